-- Who was connected to a node, as netlog fmt -peers says it: its WireGuard peers, as it reports
-- them, in the order of its clock. "since" is 1970 if the peer connected before the first event,
-- and "until" is 1970 while it is connected. A move begins another session. A node that was
-- restarted reports again who is connected: that does not. Replace NODE by an ID.
WITH events AS
(
    SELECT
        *,
        parseDateTime64BestEffortOrZero(peer.lastHandshake, 9, 'UTC') AS handshake,
        lagInFrame(peer.state, 1, 'disconnected') OVER history AS state_before,
        lagInFrame(peer.endpoint) OVER history AS endpoint_before
    FROM netlog.entries FINAL
    WHERE node = 'NODE' AND event = 'peer' AND peer.state IN ('connected', 'moved', 'disconnected')
    WINDOW history AS (PARTITION BY peer.publicKey ORDER BY client_time, proc_seq ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
changes AS
(
    SELECT
        *,
        leadInFrame(client_time) OVER
            (PARTITION BY peer.publicKey ORDER BY client_time, proc_seq ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS next
    FROM events
    WHERE 'disconnected' IN (peer.state, state_before) OR peer.endpoint != endpoint_before
)
SELECT
    peer.name AS name,
    peer.publicKey AS public_key,
    peer.address AS address,
    peer.endpoint AS endpoint,
    multiIf(peer.state = 'disconnected', toDateTime64(0, 9, 'UTC'), state_before = 'disconnected' AND handshake != 0, handshake, client_time) AS since,
    if(peer.state = 'disconnected', client_time, next) AS until
FROM changes
WHERE peer.state != 'disconnected' OR state_before = 'disconnected'
ORDER BY since;
