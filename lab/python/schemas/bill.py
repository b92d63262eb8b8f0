"""Holds a list of parts to the schema of CycloneDX 1.5: exit code 0, or 1 with what is wrong."""

import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

with open(sys.argv[1], encoding="utf-8") as file:
    wrong = JsonStrictValidator(SchemaVersion.V1_5).validate_str(file.read())
if wrong:
    print(wrong, file=sys.stderr)
    sys.exit(1)
