-- Where an alarm is shown besides at its originator: propagation (entity, alarm).
CREATE TABLE alarm_entity (eid BLOB NOT NULL, etype INTEGER NOT NULL, alarm BLOB NOT NULL,
  PRIMARY KEY (eid, etype, alarm)) WITHOUT ROWID;
CREATE INDEX alarm_entity_alarm ON alarm_entity (alarm);
