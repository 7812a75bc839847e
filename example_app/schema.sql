-- The table `acc` as OpenSIPS writes it (modules acc and dialog, scenario "cdr"), with the
-- columns of caller, called party and customer that OpenSIPS Control Panel's set-ups add,
-- and one of quality.

CREATE TABLE IF NOT EXISTS acc (
    id          INTEGER PRIMARY KEY,
    method      CHAR(16) NOT NULL DEFAULT '',
    from_tag    CHAR(64) NOT NULL DEFAULT '',
    to_tag      CHAR(64) NOT NULL DEFAULT '',
    callid      CHAR(64) NOT NULL DEFAULT '',
    sip_code    CHAR(3)  NOT NULL DEFAULT '',
    sip_reason  CHAR(32) NOT NULL DEFAULT '',
    time        DATETIME NOT NULL,            -- UTC, YYYY-MM-DD HH:MM:SS
    cdr_id      INTEGER  NOT NULL DEFAULT 0,
    duration    INTEGER  NOT NULL DEFAULT 0,  -- of the talk, seconds
    ms_duration INTEGER  NOT NULL DEFAULT 0,  -- of the talk, milliseconds
    setuptime   INTEGER  NOT NULL DEFAULT 0,  -- INVITE to answer, seconds
    created     DATETIME DEFAULT NULL,        -- when the call was begun, UTC
    caller_id   CHAR(64) NOT NULL DEFAULT '',
    callee_id   CHAR(64) NOT NULL DEFAULT '',
    audio       CHAR(8)  NOT NULL DEFAULT '', -- the worst of it; '' where nobody knows
    customer    CHAR(64) NOT NULL
);

CREATE INDEX IF NOT EXISTS acc_customer_time ON acc (customer, time);
CREATE INDEX IF NOT EXISTS acc_callid ON acc (callid);

CREATE TABLE IF NOT EXISTS users (
    name          TEXT PRIMARY KEY,
    customer      TEXT NOT NULL,
    password_hash TEXT NOT NULL
);
