-- Loads the files of netlog serve, compressed ones and the one that is being written. Change
-- the path below, then:  clickhouse-client --queries-file load.sql
--
-- Run it again if it was interrupted, or to load what is new: entries that are loaded twice
-- count once. A torn last line is passed over, and loaded the next time. The pattern does not
-- match .ndjson.zst.tmp, which is incomplete.
INSERT INTO netlog.records FROM INFILE 'flows/*/*.{ndjson,ndjson.zst}' FORMAT LineAsString;
