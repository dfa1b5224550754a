-- First schema. Times are ms since the epoch, uuids 16-byte blobs, entity types the numbers of
-- enum tbe_entity_type (order fixed, new ones are appended).
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
-- One row per commit; data is a run of blocks (pack.h) and comes last, so that reading the other
-- columns touches no overflow page. epoch and seq: the front's frames applied by this commit.
CREATE TABLE log (id INTEGER PRIMARY KEY, created INTEGER NOT NULL, epoch INTEGER, seq INTEGER,
  points INTEGER NOT NULL, pushed INTEGER NOT NULL, bytes INTEGER NOT NULL, data BLOB NOT NULL);
-- Latest value beside the identity of the series: one indexed read gives an entity's latest values.
CREATE TABLE series (id INTEGER PRIMARY KEY, etype INTEGER NOT NULL, eid BLOB NOT NULL, key TEXT NOT NULL,
  ts INTEGER, type INTEGER, value, UNIQUE (eid, etype, key));
-- Chunks of one series never overlap in time. expires: none of the points is wanted after it.
CREATE TABLE chunk (series INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  n INTEGER NOT NULL, expires INTEGER, data BLOB NOT NULL, PRIMARY KEY (series, first)) WITHOUT ROWID;
CREATE INDEX chunk_expires ON chunk (expires) WHERE expires IS NOT NULL;
CREATE TABLE entity (etype INTEGER NOT NULL, id BLOB NOT NULL, created INTEGER NOT NULL, name TEXT NOT NULL,
  kind TEXT, label TEXT, customer BLOB, profile BLOB, version INTEGER NOT NULL, json TEXT NOT NULL,
  PRIMARY KEY (id, etype)) WITHOUT ROWID;
CREATE INDEX entity_name ON entity (etype, name);
CREATE TABLE credentials (device BLOB PRIMARY KEY, type INTEGER NOT NULL, id TEXT NOT NULL, value TEXT)
  WITHOUT ROWID;
CREATE INDEX credentials_id ON credentials (id);
CREATE TABLE attribute (eid BLOB NOT NULL, etype INTEGER NOT NULL, scope INTEGER NOT NULL, key TEXT NOT NULL,
  ts INTEGER NOT NULL, type INTEGER NOT NULL, value, PRIMARY KEY (eid, etype, scope, key)) WITHOUT ROWID;
