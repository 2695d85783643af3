-- Connections of a node that came to nothing: the other side answered SYN (2) with RST
-- (4), or the filter of the node dropped them. An answer in the next window is not found
-- here. Replace NODE by an ID.
SELECT
    start,
    if(class = 'denied', 'filter', 'peer') AS refused_by,
    class,
    proto,
    if(backwards, dst, src) AS from,
    if(backwards, src, dst) AS to
FROM
(
    SELECT *,
        if(proto = 6 AND bitOr(tx_flags, rx_flags) != 0, bitAnd(rx_flags, 19) = 2, tx_pkts = 0) AS backwards,
        proto = 6 AND (bitAnd(tx_flags, 19) = 2 AND bitAnd(rx_flags, 23) = 4
            OR bitAnd(rx_flags, 19) = 2 AND bitAnd(tx_flags, 23) = 4) AS reset
    FROM netlog.flows FINAL
    WHERE node = 'NODE'
)
WHERE reset OR class = 'denied'
ORDER BY start, from, to;
