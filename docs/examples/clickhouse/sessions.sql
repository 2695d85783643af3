-- Who was connected to a node: its WireGuard peers, as it reports them. "until" is 1970 if a
-- peer did not disconnect, move or connect again since. Replace NODE by an ID.
SELECT
    peer.name AS name,
    peer.publicKey AS public_key,
    peer.address AS address,
    peer.endpoint AS endpoint,
    client_time AS since,
    until
FROM
(
    SELECT
        *,
        leadInFrame(client_time) OVER
            (PARTITION BY peer.publicKey ORDER BY client_time, proc_seq ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS until
    FROM netlog.entries FINAL
    WHERE node = 'NODE' AND event = 'peer' AND peer.state IN ('connected', 'moved', 'disconnected')
)
WHERE peer.state != 'disconnected'
ORDER BY since;
