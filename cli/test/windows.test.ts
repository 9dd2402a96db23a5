import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path, { join, win32 } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { openKube } from '../src/cluster/find.ts';
import { contextsFile } from '../src/context/file.ts';

const ROOT = join(import.meta.dirname, '../..');
/** What openimctl is made of: folders of sources. */
const SOURCES = ['cli/bin', 'cli/src', 'cli/client', 'cli/proof', 'operator/kube/src', 'services/lib'];

const dir = mkdtempSync(join(tmpdir(), 'im-windows-'));
after(() => rmSync(dir, { recursive: true, force: true }));

function kubeconfig(name: string, current: string | undefined): string {
  const file = join(dir, name);
  const server = `https://${name}.example`;
  writeFileSync(
    file,
    JSON.stringify({
      clusters: [{ name, cluster: { server } }],
      users: [{ name, user: {} }],
      contexts: [{ name, context: { cluster: name, user: name, namespace: `of-${name}` } }],
      ...(current !== undefined && { 'current-context': current }),
    }),
  );
  return file;
}

test('a list of kubeconfigs is split by the separator of the platform', async (t) => {
  const { delimiter } = path;
  const { KUBECONFIG } = process.env;
  t.after(() => {
    (path as { delimiter: string }).delimiter = delimiter;
    if (KUBECONFIG === undefined) delete process.env.KUBECONFIG;
    else process.env.KUBECONFIG = KUBECONFIG;
  });
  const files = [kubeconfig('one', 'one'), kubeconfig('two', undefined)];
  for (const separator of [path.posix.delimiter, win32.delimiter]) {
    (path as { delimiter: string }).delimiter = separator;
    process.env.KUBECONFIG = files.join(separator);
    for (const [context, namespace] of [
      [undefined, 'of-one'],
      ['two', 'of-two'],
    ] as const) {
      const client = await openKube({ ...(context !== undefined && { kubeContext: context }) });
      assert.equal(client.namespace, namespace, separator);
      client.close();
    }
  }
});

test('the config file is where Windows keeps configuration, also on another drive or a share', () => {
  const home = 'C:\\Users\\me';
  for (const [env, wanted] of [
    [{ APPDATA: 'D:\\Roaming' }, 'D:\\Roaming\\openimctl\\config.json'],
    [{ APPDATA: '\\\\server\\share\\me' }, '\\\\server\\share\\me\\openimctl\\config.json'],
    [{ APPDATA: '' }, 'C:\\Users\\me\\AppData\\Roaming\\openimctl\\config.json'],
    [{ OPENIM_CTL_CONFIG: 'E:/im.json' }, 'E:/im.json'],
  ] as const) {
    const file = contextsFile({ platform: 'win32', env, home });
    assert.equal(file, wanted);
    assert.ok(win32.isAbsolute(file));
  }
});

test('files are named by what every platform can parse', () => {
  // The path of this URL is /C:/app/main.ts, which is none on Windows: such URLs must go through fileURLToPath.
  assert.equal(pathToFileURL('C:\\app\\main.ts', { windows: true }).pathname, '/C:/app/main.ts');
  const faults = SOURCES.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter(
        (name) =>
          /\.[jt]s$/.test(name) && !/(^|\/)(node_modules|test|scripts|bench)\/|\.test\.ts$/.test(name),
      )
      .filter((name) =>
        /import\.meta\.url\)\.pathname|['"`]\/tmp\b/.test(readFileSync(join(ROOT, folder, name), 'utf8')),
      )
      .map((name) => `${folder}/${name}`),
  );
  assert.deepEqual(faults, []);
});
