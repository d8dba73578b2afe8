-- The order in which epochs rose, so that what was stored but not yet told is known after a crash, and others can follow. 0: before there was an order.
ALTER TABLE epochs ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
CREATE INDEX epochs_seq ON epochs (seq);
