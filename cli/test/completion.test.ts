import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { installDebianPackages } from '@im/dev-stores';
import { run } from './openimctl.ts';

const dir = mkdtempSync(join(tmpdir(), 'im-completion-'));
const MAIN = new URL('../src/main.ts', import.meta.url).pathname;
after(() => rmSync(dir, { recursive: true, force: true }));

const env = {
  ...process.env,
  OPENIM_CTL_CONFIG: join(dir, 'config.json'),
  PATH: `${join(dir, 'bin')}${delimiter}${process.env.PATH}`,
};

before(async () => {
  mkdirSync(join(dir, 'bin'));
  mkdirSync(join(dir, 'work', 'some folder'), { recursive: true });
  writeFileSync(join(dir, 'work', 'tenant.yaml'), '');
  writeFileSync(join(dir, 'bin', 'openimctl'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, {
    mode: 0o755,
  });
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, stdout, stderr } = await run(['completion', shell]);
    assert.equal(code, 0, stderr);
    writeFileSync(join(dir, `openimctl.${shell}`), stdout);
  }
  const contexts = { contexts: { production: { api: 'http://a' }, staging: { api: 'http://b' } } };
  writeFileSync(env.OPENIM_CTL_CONFIG, JSON.stringify(contexts));
});

/** Whether a shell is there, or can be installed. */
async function provide(shell: string): Promise<boolean> {
  return has(shell) || ((await installDebianPackages([shell]).catch(() => false)) && has(shell));
}

function has(shell: string): boolean {
  return spawnSync(shell, ['--version']).status === 0;
}

/** What to complete, as typed, and what is offered: some of it, and nothing that must not be. */
const CASES: readonly {
  readonly typed: string;
  readonly offers: readonly string[];
  readonly not?: readonly string[];
}[] = [
  { typed: 'openimctl ', offers: ['user', 'tenant', 'context', 'completion'], not: ['ban', '--api'] },
  { typed: 'openimctl us', offers: ['user'], not: ['tenant'] },
  { typed: 'openimctl user ', offers: ['ban', 'list', 'create'], not: ['user'] },
  { typed: 'openimctl user --', offers: ['--help'] },
  { typed: 'openimctl user list --li', offers: ['--limit'], not: ['--api'] },
  { typed: 'openimctl user list -o ', offers: ['table', 'wide', 'json', 'jsonpath='] },
  { typed: 'openimctl user list --output=js', offers: ['json', 'jsonpath='], not: ['table'] },
  { typed: 'openimctl user list --context ', offers: ['production', 'staging'] },
  { typed: 'openimctl context use st', offers: ['staging'], not: ['production'] },
  { typed: 'openimctl completion z', offers: ['zsh'], not: ['bash'] },
  // The value of an option is no command, even if it is called like one.
  { typed: 'openimctl user list --id ban --l', offers: ['--limit'] },
  { typed: 'openimctl tenant create --file te', offers: ['tenant.yaml'], not: ['some folder'] },
];

function assertOffers(offered: readonly string[], { typed, offers, not = [] }: (typeof CASES)[number]) {
  for (const each of offers) assert.ok(offered.includes(each), `${typed}: ${each} of ${offered}`);
  for (const each of not) assert.ok(!offered.includes(each), `${typed}: not ${each} of ${offered}`);
}

describe('completion', () => {
  test('bash completes commands, options, values, contexts and files', () => {
    for (const each of CASES) {
      // bash splits words at = when it completes.
      const words = each.typed.split(' ').flatMap((word) => {
        const [, option, value] = /^(--[^=]+)=(.*)$/.exec(word) ?? [];
        return option === undefined ? [word] : [option, '=', ...(value ? [value] : [])];
      });
      const quoted = words.map((word) => `'${word}'`).join(' ');
      const script = `source '${join(dir, 'openimctl.bash')}'; cd '${join(dir, 'work')}'
COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _openimctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8', env });
      assert.equal(stderr, '', each.typed);
      assertOffers(stdout.split('\n'), each);
    }
  });

  test('zsh completes the same in a terminal', { timeout: 300_000 }, async (t: TestContext) => {
    if (!(await provide('zsh'))) {
      t.skip('needs zsh');
      return;
    }
    const paths = { SCRIPT: join(dir, 'openimctl.zsh'), WORK: join(dir, 'work') };
    for (const [index, each] of CASES.entries()) {
      const { stdout, stderr, status } = spawnSync('zsh', ['-f', '-c', ZSH, 'zsh', each.typed], {
        encoding: 'utf8',
        env: { ...env, ...paths, OFFERS: join(dir, `offers-${index}`) },
      });
      assert.equal(status, 0, `${each.typed}: ${stdout}${stderr}`);
      assertOffers(stdout.split('\n'), each);
    }
  });

  test('fish completes the same', { timeout: 300_000 }, async (t: TestContext) => {
    if (!(await provide('fish'))) {
      t.skip('needs fish');
      return;
    }
    for (const each of CASES) {
      const script = `source '${join(dir, 'openimctl.fish')}'; cd '${join(dir, 'work')}'; complete -C "${each.typed}"`;
      const { stdout } = spawnSync('fish', ['--no-config', '-c', script], { encoding: 'utf8', env });
      assertOffers(
        stdout.split('\n').map((line) => line.split('\t')[0]?.replace(/^--output=/, '') ?? ''),
        each,
      );
    }
  });
});

/**
 * Drives an interactive zsh in a pseudo terminal: types what is to be completed, presses Tab, and has every match written to
 * the file $OFFERS, a line each, with `done` at the end.
 */
const ZSH = `
zmodload zsh/zpty
zpty shell zsh -f -i
cat > $OFFERS.rc <<'END'
PS1= ; autoload -Uz compinit; compinit -u -D
source $SCRIPT; cd $WORK
compadd() {
  # Those with -O, -A and -D only compute.
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return $?; fi
  local -a found; builtin compadd -O found "$@"
  local each; for each in $found; do print -r -- "$each" >> $OFFERS; done
  builtin compadd "$@"
}
finish() { zle complete-word; print done >> $OFFERS }
zle -N finish; bindkey '^G' finish; print ready >> $OFFERS
END
zpty -w shell "source $OFFERS.rc"
until_line() { repeat 600; do [[ -r $OFFERS ]] && grep -qx "$1" $OFFERS && return 0; zpty -r -t shell _ 2>/dev/null; sleep 0.05; done; return 1 }
until_line ready || exit 3
zpty -w -n shell "$1"$'\\a'
until_line done || exit 4
zpty -d shell
cat $OFFERS
`;
