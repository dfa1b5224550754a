-- Debug and lifecycle events of rule nodes and chains; the newest of each entity and type are kept.
CREATE TABLE debug_event (id INTEGER PRIMARY KEY AUTOINCREMENT, etype INTEGER NOT NULL, eid BLOB NOT NULL,
  type INTEGER NOT NULL, created INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX debug_event_entity ON debug_event (eid, etype, type, id);
