-- What somebody who knows DuckDB well would write for the contracts of `big_terms.py`, and for no others: the bound that the
-- bulk engine is held against. Money of orders is in millionths, of payment in cents, rates are in hundredths of a percent.

-- A contract's time, cut where a version or a month starts. Where a contract has no terms there is no piece.
CREATE TABLE pieces AS
WITH spans AS (
    SELECT *, coalesce(lead(since) OVER (PARTITION BY contract ORDER BY version), 9000000000000000) AS until FROM terms
)
SELECT row_number() OVER (ORDER BY contract, version, month) AS piece, spans.* EXCLUDE (since, until), month,
       greatest(spans.since, months.since) AS since, least(spans.until, months.until) AS until
FROM spans JOIN months ON months.timezone = spans.timezone AND months.since < spans.until AND spans.since < months.until
WHERE NOT is_termination;

-- Conversions that are eligible under the terms of their last touch, without orders that are counted already.
CREATE TABLE rated AS
WITH copies AS (
    SELECT row_number FROM conversions WHERE order_id IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY order_id ORDER BY event_at, id) > 1
),
qualifying AS (
    SELECT touches.row_number, touches.id, touches.type, touched_at, piece
    FROM touches
    JOIN conversions USING (row_number)
    JOIN pieces ON contract = partner AND event_at >= since AND event_at < until
    WHERE touched_at <= event_at
      AND event_at - touched_at < CASE touches.type WHEN 'click' THEN click_window ELSE view_window END
),
-- At one instant the click goes before the view, and then the lower id.
last AS (
    SELECT row_number, arg_min(piece, row(-touched_at, type, id)) AS piece FROM qualifying GROUP BY row_number
)
SELECT id, event_at, order_value, piece, contract, month, version
FROM last
JOIN conversions USING (row_number)
JOIN pieces USING (piece)
ANTI JOIN copies USING (row_number)
WHERE list_contains(countries, country) AND order_value >= least_value AND (NOT new_only OR is_new_customer);

-- What each is due: the price of all that was counted in the month, it included, less the price of what was before. A slice
-- in millionths times hundredths of a percent is cents times 10^8; half a cent is rounded away from zero.
CREATE TABLE due AS
WITH counted AS (
    SELECT *, sum(order_value) OVER (PARTITION BY contract, month ORDER BY event_at, id ROWS UNBOUNDED PRECEDING)::BIGINT AS held
    FROM rated
),
priced AS (
    SELECT counted.*, cap,
           rate_1 * (least(held, up_to_1) - least(held - order_value, up_to_1))
         + rate_2 * (least(greatest(held, up_to_1), up_to_2) - least(greatest(held - order_value, up_to_1), up_to_2))
         + rate_3 * (greatest(held, up_to_2) - greatest(held - order_value, up_to_2)) AS precise
    FROM counted JOIN pieces USING (piece)
)
SELECT id, event_at, contract, month, version, piece, cap, (2 * precise + 100000000) // 200000000 AS due FROM priced;

-- What was paid in the month before a piece of it: under the cap of each of the pieces before.
CREATE TABLE used AS
WITH RECURSIVE totals AS (
    SELECT contract, month, piece, cap, sum(due)::BIGINT AS due,
           row_number() OVER (PARTITION BY contract, month ORDER BY version) AS place
    FROM due GROUP BY contract, month, version, piece, cap
),
chain AS (
    SELECT contract, month, piece, place, 0::BIGINT AS before, least(due, cap) AS after FROM totals WHERE place = 1
    UNION ALL
    SELECT contract, month, totals.piece, totals.place, after, greatest(after, least(after + due, cap))
    FROM chain JOIN totals USING (contract, month) WHERE totals.place = chain.place + 1
)
SELECT piece, before FROM chain;

-- What is paid: of what is due, what the cap leaves, the first ones first.
CREATE TABLE lines AS
WITH summed AS (
    SELECT *, sum(due) OVER (PARTITION BY piece ORDER BY event_at, id ROWS UNBOUNDED PRECEDING)::BIGINT AS held FROM due
)
SELECT id, contract, month, version, due, greatest(least(due, cap - before - (held - due)), 0) AS paid
FROM summed JOIN used USING (piece);

CREATE TABLE statements AS
SELECT contract, month, count(*) AS conversions, sum(paid)::BIGINT AS paid FROM lines GROUP BY contract, month;
