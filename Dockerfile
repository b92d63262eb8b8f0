# The images of the three programs, one target each: egress-gw, ingress-gw, central-hub.
#
#   docker build --target egress-gw -t highway/egress-gw .
#
# Each holds its program, the operator's command `highway` (health checks, keys, status, doctor), what is the same for it in every
# container (deploy/image) and the list of what it is made of (/usr/share/highway/sbom.cdx.json). There is no shell in it and nobody
# is root. Written so that the classic builder takes it too.

# Any Debian 12 with cargo and a C compiler.
ARG RUST=rust:1-slim-bookworm
# Any base with glibc 2.36, libgcc and the authorities of certificates.
ARG RUNTIME=gcr.io/distroless/cc-debian12

FROM ${RUST} AS build
WORKDIR /highway
COPY . .
RUN cargo build --release --locked -p highway-central-hub -p highway-egress-gw -p highway-ingress-gw -p highway-cli \
 && cargo xtask sbom target/sbom.cdx.json \
 && mkdir -p /out/bin /out/var/keys /out/var/central-hub /out/var/egress-gw /out/var/ingress-gw \
 && cp target/release/central-hub target/release/egress-gw target/release/ingress-gw target/release/highway /out/bin/

FROM ${RUNTIME} AS base
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Highway" \
      org.opencontainers.image.description="Carries Apache Dubbo calls between networks that cannot see each other" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      io.highway.sbom="/usr/share/highway/sbom.cdx.json"
COPY --from=build /highway/target/sbom.cdx.json /usr/share/highway/sbom.cdx.json
COPY --from=build /highway/LICENSE /usr/share/highway/LICENSE
COPY --from=build /out/bin/highway /usr/bin/highway
# Volumes begin as these folders: whoever runs the programs may write there, and nowhere else.
COPY --from=build --chown=65532:65532 /out/var /var/lib/highway
USER 65532:65532
WORKDIR /var/lib/highway
STOPSIGNAL SIGTERM

FROM base AS egress-gw
COPY --from=build /out/bin/egress-gw /usr/bin/egress-gw
COPY deploy/image/egress-gw.toml /etc/highway/egress-gw.toml
EXPOSE 20990
HEALTHCHECK --interval=5s --timeout=10s --start-period=30s --retries=3 CMD ["/usr/bin/highway", "ready", "--admin", "http://127.0.0.1:20901"]
ENTRYPOINT ["/usr/bin/egress-gw"]
CMD ["/etc/highway/egress-gw.toml"]

FROM base AS ingress-gw
COPY --from=build /out/bin/ingress-gw /usr/bin/ingress-gw
COPY deploy/image/ingress-gw.toml /etc/highway/ingress-gw.toml
HEALTHCHECK --interval=5s --timeout=10s --start-period=30s --retries=3 CMD ["/usr/bin/highway", "ready", "--admin", "http://127.0.0.1:20902"]
ENTRYPOINT ["/usr/bin/ingress-gw"]
CMD ["/etc/highway/ingress-gw.toml"]

FROM base AS central-hub
COPY --from=build /out/bin/central-hub /usr/bin/central-hub
COPY deploy/image/central-hub.toml /etc/highway/central-hub.toml
EXPOSE 8443
HEALTHCHECK --interval=5s --timeout=10s --start-period=30s --retries=3 CMD ["/usr/bin/highway", "ready", "--admin", "http://127.0.0.1:20900"]
ENTRYPOINT ["/usr/bin/central-hub"]
CMD ["/etc/highway/central-hub.toml"]
