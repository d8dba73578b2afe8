// tests/e2e/people_lab.mjs - a tenant with many people. A password takes its time to be hashed, so one user is made through the API and
// copied in the store while nobody is at work there.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { management, startGatehouse } from './harness.mjs';

const copy = `
import sqlite3, sys
file, count = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect(file)
cursor = db.execute("SELECT * FROM users")
names = [column[0] for column in cursor.description]
first = cursor.fetchone()
row = dict(zip(names, first))
old, mail = row["id"], row["email"]
for i in range(count):
    new, other = "auth0|%024x" % i, "p%d@people.example" % i
    made = {k: v.replace(old, new).replace(old[6:], new[6:]).replace(mail, other) if isinstance(v, str) else v for k, v in row.items()}
    db.execute("INSERT INTO users (%s) VALUES (%s)" % (", ".join(names), ", ".join("?" * len(names))), [made[k] for k in names])
db.commit()
`;

export const personId = (i) => `auth0|${i.toString(16).padStart(24, '0')}`;

// Starts a tenant in `dir` with `count` users personId(0) … in the connection that every tenant has. Gives what startGatehouse gives.
export async function startWithPeople(dir, count) {
  const first = await startGatehouse({ dir });
  const reply = await (await management(first)).post('users', { connection: 'Username-Password-Authentication', email: 'first@people.example', password: 'Canary-Horse-Battery-2026' });
  await first.stop();
  if (reply.status !== 201) throw new Error(reply.text);
  const file = fs.readdirSync(path.join(dir, 'tenant')).find((name) => /\.(db|sqlite)$/.test(name));
  execFileSync('python3', ['-c', copy, path.join(dir, 'tenant', file), String(count)]);
  return startGatehouse({ dir });
}
