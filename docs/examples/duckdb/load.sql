-- Keeps the lines of finished files (.zst) in a database, so that they can be read when netlog serve
-- has removed the files:  cat flows.sql load.sql | duckdb flows.db
--
-- Run it as often as you like, but before files are removed. A file is loaded once, as a whole
-- or not at all. The lines of other files are not kept: queries read these files.
CREATE TABLE IF NOT EXISTS kept (json JSON, file VARCHAR);

CREATE OR REPLACE VIEW lines AS
SELECT json FROM kept
UNION ALL
SELECT json FROM files WHERE filename NOT IN (SELECT file FROM kept);

INSERT INTO kept
SELECT json, filename FROM files
WHERE json IS NOT NULL AND suffix(filename, '.zst') AND filename NOT IN (SELECT file FROM kept);
