INSERT INTO parents (id) VALUES ('root');
