/** The database of the rooms: SQLite, in a file that belongs to one run. */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The file of the server on this port; the environment variable DATABASE names another. */
export const databasePath = (port) => process.env.DATABASE ?? join(tmpdir(), `rabbitmq-rooms-${port}.db`);

const files = (path) => [path, `${path}-wal`, `${path}-shm`];

/** Opens an empty database. Every commit is on the disk when it returns. */
export const openStore = (path) => {
  for (const file of files(path)) rmSync(file, { force: true });
  const database = new DatabaseSync(path);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE rooms (name TEXT PRIMARY KEY, messages INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE messages (id INTEGER PRIMARY KEY, room TEXT NOT NULL, body TEXT NOT NULL);
    CREATE INDEX messages_of_room ON messages (room, id);
  `);
  const insert = database.prepare('INSERT INTO messages (room, body) VALUES (?, ?)');
  const countRoom = database.prepare(
    'INSERT INTO rooms (name, messages) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET messages = messages + 1',
  );
  const readRoom = database.prepare('SELECT name, messages FROM rooms WHERE name = ?');
  const readHistory = database.prepare('SELECT body FROM messages WHERE room = ? ORDER BY id DESC LIMIT 50');
  return {
    /** The room and what was said in it last, as a server looks them up to check a message. */
    read: (room) => ({ room: readRoom.get(room), history: readHistory.all(room) }),
    /** Writes messages `{ room, body }` in one commit. */
    write: (messages) => {
      database.exec('BEGIN');
      for (const { room, body } of messages) {
        insert.run(room, body);
        countRoom.run(room);
      }
      database.exec('COMMIT');
    },
    close: () => {
      database.close();
      for (const file of files(path)) rmSync(file, { force: true });
    },
  };
};

/** Number of messages in the database of a running server. */
export const countMessages = (path) => {
  const database = new DatabaseSync(path, { readOnly: true });
  const { count } = database.prepare('SELECT count(*) AS count FROM messages').get();
  database.close();
  return count;
};
