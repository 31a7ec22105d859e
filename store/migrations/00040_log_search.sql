-- Searching the logs by time alone, and ending their retention.
-- +goose Up
CREATE INDEX usage_log_at      ON usage_log (at);
CREATE INDEX disclosure_log_at ON disclosure_log (at);
