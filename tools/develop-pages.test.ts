import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readWorkspaces } from './lint-dependencies.ts';
import { sourceFiles } from './source-files.ts';

const root = join(import.meta.dirname, '..');
const PAGES = 'docs/develop/add';
const files = sourceFiles(root);
const workspaces = readWorkspaces(root, files);

/** A file as a page names it: by its path, or by name and package where it may move (`config.ts` of `@im/contract`). */
type Named = string | { readonly file: string; readonly of: string };

/** The example that each page follows, and the files of its steps in which the example must be. */
const EXAMPLES: Readonly<Record<string, readonly [example: RegExp, steps: readonly Named[]]>> = {
  'http-route.md': [
    /set_?app_?badge/i,
    [
      'services/lib/protocol/proto/third.proto',
      'services/third/src/methods/push-registration.ts',
      'services/api/src/routes/third.ts',
      'services/api/test/user-limits.test.ts',
      'services/api/test/testdata/openim-routes.txt',
    ],
  ],
  'admin-operation.md': [
    /listUsers/,
    [
      'services/lib/admin-api/src/operations/users.ts',
      'services/lib/admin-api/src/operations/index.ts',
      'services/api/src/admin/routes/users.ts',
    ],
  ],
  'console-page.md': [
    /groups/i,
    [
      'services/console/src/pages/groups.tsx',
      'services/console/src/gen/operations.ts',
      'services/console/src/i18n/en.ts',
      'services/console/src/i18n/zh.ts',
      'services/console/src/shell/pages.ts',
      'services/console/test/pages.test.ts',
    ],
  ],
  'gateway-request.md': [
    /SubUserOnlineStatus/,
    [
      'services/lib/protocol/proto/sdkws.proto',
      'services/lib/protocol/src/constants.ts',
      'services/gateway/src/requests/handlers.ts',
      'services/gateway/src/deliver/catch-up.ts',
      'services/gateway/src/requests/handlers.test.ts',
      'services/gateway/test/fakes.ts',
    ],
  ],
  'notification.md': [
    /GroupInfoSetAnnouncement|announcementSet|\[1519,/,
    [
      'services/lib/protocol/src/constants.ts',
      'services/lib/protocol/proto/sdkws.proto',
      'services/msg/src/notifications/notification-table.ts',
      'services/group/src/notifications/group-info.ts',
      'services/group/src/methods/set-group-info.ts',
      'services/msg/src/notifications/notification-table.test.ts',
    ],
  ],
  'setting.md': [
    /wakesPerUser/,
    [
      'services/lib/contract/src/config/workers.ts',
      'services/lib/contract/src/live-settings.ts',
      'services/push/src/index.ts',
      'operator/test/crd-settings.test.ts',
    ],
  ],
  'crd-field.md': [
    /wakesPerUserBurst|priorityClassName/,
    [
      'crds/openimclusters.openim.io.yaml',
      'operator/src/resources/effective.ts',
      'operator/src/resources/config.ts',
      'operator/src/resources/pod-template.ts',
      'operator/src/controllers/cluster/create.test.ts',
      'operator/src/resources/pod-template.test.ts',
      'operator/test/crd-settings.test.ts',
      'operator/test/crds.test.ts',
    ],
  ],
  'push-provider.md': [
    /miProvider|startXiaomi|'mi'|PushProvider\b/,
    [
      'services/lib/push-providers/src/push-provider.ts',
      'services/lib/contract/src/push-settings.ts',
      'services/lib/push-providers/src/push-providers.ts',
      'services/lib/push-providers/test/contract.test.ts',
      'services/lib/push-providers/test/vendors.test.ts',
    ],
  ],
  'cron-job.md': [
    /expire-?uploads|uploadExpiry/i,
    [
      'services/cron/src/index.ts',
      'services/lib/contract/src/config/workers.ts',
      'crds/openimclusters.openim.io.yaml',
    ],
  ],
  'collection.md': [
    /PUSH_TOKENS|pushTokenRepo/,
    [
      'services/lib/store/src/repos/push-token.ts',
      'services/lib/store/src/collections.ts',
      'services/lib/store/src/index.ts',
      'services/lib/store/test/account-query-plans.test.ts',
    ],
  ],
  'metric.md': [/openim_push_waiting/, ['services/push/src/pusher.ts']],
  'error-code.md': [
    /DismissedAlreadyError/,
    [
      'services/lib/protocol/src/errors.ts',
      'services/lib/protocol/scripts/errors-doc.ts',
      'services/msg/src/send/send-permissions.ts',
      'services/group/src/permissions.ts',
    ],
  ],
};

/** Whether a page names a file as a step does. */
function names(page: string, step: Named): boolean {
  return typeof step === 'string'
    ? page.includes(`\`${step}\``)
    : page.includes(`\`${step.file}\` of \`${step.of}\``);
}

/** The one file that a step means. */
function pathOf(step: Named): string {
  if (typeof step === 'string') return step;
  const dir = workspaces.find(({ name }) => name === step.of)?.dir;
  const found = files.filter((path) => path.startsWith(`${dir}/`) && path.endsWith(`/${step.file}`));
  assert.equal(found.length, 1, `${step.of} has one ${step.file}: ${found.join(', ')}`);
  return found[0] ?? '';
}

test('every page that says how to add something has an example here', () => {
  assert.deepEqual(readdirSync(join(root, PAGES)).toSorted(), Object.keys(EXAMPLES).toSorted());
});

for (const [name, [example, steps]] of Object.entries(EXAMPLES)) {
  test(`${name}: its example went through the files that it names`, () => {
    const page = readFileSync(join(root, PAGES, name), 'utf8');
    for (const step of steps) {
      const path = pathOf(step);
      assert.ok(names(page, step), `the page does not name ${path}`);
      assert.match(readFileSync(join(root, path), 'utf8'), example, path);
    }
  });
}

/** Pages with commands for contributors. */
const PAGES_WITH_COMMANDS = [
  'CONTRIBUTING.md',
  'docs/develop/testing.md',
  ...readdirSync(join(root, PAGES)).map((name) => `${PAGES}/${name}`),
];

/** The commands in the code blocks of a page. */
function commandsOf(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```\n(.*?)^```$/gms)].flatMap(([, block = '']) => block.trimEnd().split('\n'));
}

test('commands for contributors name tests and scripts that exist', () => {
  const tests = files.filter((path) => path.endsWith('.test.ts'));
  for (const page of PAGES_WITH_COMMANDS) {
    for (const command of commandsOf(page)) {
      const [, quoted, single] = /ARGS=(?:"([^"]*)"|(\S+))/.exec(command) ?? [];
      for (const part of (quoted ?? single ?? '').split(' ').filter((arg) => !/^(?:-.*|)$/.test(arg)))
        assert.ok(
          tests.some((path) => path.includes(part)),
          `${page}: no test has ${part} in its path`,
        );
      const [, script] = /\bnode (?:--test )?(\S+\.ts)\b/.exec(command) ?? [];
      if (script) assert.ok(files.includes(script), `${page}: ${script} does not exist`);
    }
  }
});
