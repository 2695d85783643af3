-- For nodes that POST to /c/<collection>/<private id>, as they do to netlog serve:
-- handlers.xml inserts the body here with the public ID, which it computes from the
-- path, so that the node is not only a claim of the record. What the entry claims of a
-- receiver is not used.

CREATE TABLE IF NOT EXISTS netlog.inbox (node String, body String) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS netlog.inbox_view TO netlog.received AS
SELECT node, arrayJoin(JSONExtractArrayRaw(body)) AS entry
FROM netlog.inbox;
