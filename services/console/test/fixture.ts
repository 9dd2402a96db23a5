import {
  type AdminClient,
  adminClient,
  type ConsoleRole,
  createConsoleLogin,
  listAudit,
} from '@im/admin-api';
import { type Cluster, type ClusterOptions, startCluster } from '@im/dev-cluster';
import { SdkUser, startJsHost } from '@im/dev-sdk';
import { buildConsole } from '../scripts/build-console.ts';
import { startBrowser, type TestBrowser, type View, type Visitor } from './browser.ts';

/** A server with its console, a browser, and clients of the SDK. */
export interface Fixture extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly browser: TestBrowser;
  /** Administrator of the tenant `default`. */
  readonly admin: AdminClient;
  /** URL of the tenant `default`. */
  readonly root: string;
  /** A window of a person who is logged in as `name`. @param role @default admin */
  loggedIn(name: string, view?: View, role?: ConsoleRole): Promise<Visitor>;
  /** A user of the JS SDK who is logged in; the account is made when it is missing. */
  device(name: string): Promise<SdkUser>;
  /** Acts and reasons in the audit log, newest first. */
  actsOf(adminID: string): Promise<[act: string, reason: string][]>;
}

/** Starts everything in one process, with the console as built from the present files. */
export async function startFixture(options: Partial<ClusterOptions> = {}): Promise<Fixture> {
  await buildConsole();
  const [cluster, browser] = await Promise.all([
    startCluster({ topology: 'one', ...options }),
    startBrowser(),
  ]);
  const sdks = startJsHost();
  const root = cluster.endpoint('default').api;
  const admin = adminClient({ apiUrl: root, token: await cluster.admin('default').token() });
  return {
    cluster,
    browser,
    admin,
    root,
    async loggedIn(name, view, role = 'admin') {
      const { token } = await admin.call(createConsoleLogin, { body: { name, role } });
      const visitor = await browser.visit(view);
      await visitor.page.goto(`${root}/console/#login=${token}`);
      await visitor.page.locator('button[type=submit]').click();
      await visitor.page.locator('input[data-search]').waitFor();
      return visitor;
    },
    async device(name) {
      await cluster.admin('default').ensureUsers([name]);
      const user = new SdkUser(name, await sdks.open(`default/${name}`));
      const token = await cluster.admin('default').userToken(name, user.platformID);
      await user.login(cluster.endpoint('default'), token);
      return user;
    },
    async actsOf(adminID) {
      const { records } = await admin.call(listAudit, { query: { adminID } });
      return records.map(({ act, reason }) => [act, reason]);
    },
    async [Symbol.asyncDispose]() {
      await sdks.close();
      await browser[Symbol.asyncDispose]();
      await cluster.close();
    },
  };
}
