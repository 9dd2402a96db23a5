import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { changeContexts, contextNamed, contextsFile, readContexts } from './file.ts';

const dir = mkdtempSync(join(tmpdir(), 'im-contexts-'));
after(() => rmSync(dir, { recursive: true, force: true }));

test('the file is where the platform keeps configuration', () => {
  const linux = { platform: 'linux', home: '/home/me' } as const;
  const cases = [
    [{ ...linux, env: {} }, '/home/me/.config/openimctl/config.json'],
    [{ ...linux, env: { XDG_CONFIG_HOME: '/cfg' } }, '/cfg/openimctl/config.json'],
    [{ ...linux, env: { XDG_CONFIG_HOME: 'relative' } }, '/home/me/.config/openimctl/config.json'],
    [{ ...linux, platform: 'darwin', env: {} }, '/home/me/.config/openimctl/config.json'],
    [{ ...linux, env: { OPENIM_CTL_CONFIG: '/my/file' } }, '/my/file'],
    [
      { platform: 'win32', home: 'C:\\Users\\me', env: { APPDATA: 'C:\\Users\\me\\AppData\\Roaming' } },
      'C:\\Users\\me\\AppData\\Roaming\\openimctl\\config.json',
    ],
    [
      { platform: 'win32', home: 'C:\\Users\\me', env: {} },
      'C:\\Users\\me\\AppData\\Roaming\\openimctl\\config.json',
    ],
  ] as const;
  for (const [host, wanted] of cases) assert.equal(contextsFile(host), wanted);
});

test('the file and its directory belong to the user alone, whatever mode the file had', () => {
  const file = join(dir, 'new', 'config.json');
  changeContexts(() => ({ contexts: { a: { api: 'http://a' } } }), file);
  chmodSync(file, 0o644);
  changeContexts(({ contexts }) => ({ current: 'a', contexts }), file);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(dir, 'new')).mode & 0o777, 0o700);
  assert.deepEqual(readContexts(file), { current: 'a', contexts: { a: { api: 'http://a' } } });
});

test('a file that others can read is refused once it holds a secret', () => {
  const file = join(dir, 'open.json');
  writeFileSync(file, JSON.stringify({ contexts: { a: { adminSecret: 's' } } }), { mode: 0o640 });
  assert.throws(() => readContexts(file), /has mode 640, .*chmod 600/);
  chmodSync(file, 0o600);
  assert.equal(readContexts(file).contexts.a?.adminSecret, 's');
});

test('an invalid file is named with its fault, and is neither quoted nor overwritten', () => {
  const file = join(dir, 'bad.json');
  for (const [text, fault] of [
    ['{"contexts": {"a": {"adminSecret": "hidden-value"', /it is not JSON;/],
    ['[]', /contexts is not an object/],
    ['{"contexts":{"a":{"apii":"x"}}}', /contexts\.a\.apii is not a field/],
    ['{"contexts":{"a":{"api":5}}}', /contexts\.a\.api is not a text/],
    ['{"current":5,"contexts":{}}', /current is not a text/],
  ] as const) {
    writeFileSync(file, text);
    assert.throws(
      () => changeContexts((before) => before, file),
      (error) => error instanceof Error && fault.test(error.message) && !/hidden/.test(error.message),
      text,
    );
    assert.equal(readFileSync(file, 'utf8'), text);
  }
});

test('two changes at the same time do not lose one of them', () => {
  const file = join(dir, 'locked.json');
  changeContexts(() => {
    assert.throws(() => changeContexts((before) => before, file), /another openimctl changes the contexts/);
    return { contexts: {} };
  }, file);
  changeContexts((before) => before, file);
});

test('a name that does not exist is answered with those that do', () => {
  const contexts = { contexts: { b: {}, a: {} } };
  assert.throws(() => contextNamed(contexts, 'c'), /no context c \(there are a, b\).*--kube-context/);
  assert.throws(() => contextNamed(contexts, 'constructor'), /no context constructor/);
});
