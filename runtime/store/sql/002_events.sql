-- Everything else of low rate.
CREATE TABLE relation (fid BLOB NOT NULL, ftype INTEGER NOT NULL, tid BLOB NOT NULL, ttype INTEGER NOT NULL,
  grp TEXT NOT NULL, type TEXT NOT NULL, info TEXT, PRIMARY KEY (fid, ftype, grp, type, tid, ttype)) WITHOUT ROWID;
CREATE INDEX relation_to ON relation (tid, ttype);
CREATE TABLE alarm (id BLOB PRIMARY KEY, oid BLOB NOT NULL, otype INTEGER NOT NULL, customer BLOB, type TEXT NOT NULL,
  severity TEXT NOT NULL, flags INTEGER NOT NULL, created INTEGER NOT NULL, start INTEGER NOT NULL,
  "end" INTEGER NOT NULL, ack_ts INTEGER NOT NULL, clear_ts INTEGER NOT NULL, assign_ts INTEGER NOT NULL,
  assignee BLOB, details TEXT, relations TEXT, cleared INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX alarm_originator ON alarm (oid, otype, created);
CREATE INDEX alarm_active ON alarm (oid, otype) WHERE cleared = 0;
CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, etype INTEGER NOT NULL, eid BLOB NOT NULL,
  kind INTEGER NOT NULL, action INTEGER NOT NULL, created INTEGER NOT NULL, body TEXT);
CREATE TABLE parked (key TEXT PRIMARY KEY, chain TEXT NOT NULL, node TEXT NOT NULL, due INTEGER NOT NULL,
  msg BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX parked_due ON parked (due);
CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
