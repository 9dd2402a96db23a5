// Makes each secret once, in the volume `secrets`; a later start leaves what is there.
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, renameSync, writeFileSync } from 'node:fs';

const DIR = process.env.SECRETS_DIR ?? '/run/openim';
/** The user of the server's image. */
const USER = 65532;
const BYTES = {
  'token-secret': 32,
  'admin-secret': 24,
  'cluster-key': 32,
  's3-access-key': 12,
  's3-secret-key': 32,
};

for (const [name, bytes] of Object.entries(BYTES)) {
  const path = `${DIR}/${name}`;
  if (existsSync(path)) continue;
  const written = `${path}.new`;
  writeFileSync(written, randomBytes(bytes).toString('hex'), { mode: 0o400 });
  if (process.getuid?.() === 0) chownSync(written, USER, USER);
  renameSync(written, path);
  console.log(`made ${name}`);
}
