//! JSONB of fastjson2: skip, read and write.
