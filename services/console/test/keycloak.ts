import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  findOnPath,
  installedDir,
  printToStderr,
  runCommand,
  type ServerKind,
  startServer,
} from '@im/dev-stores';

const VERSION = '26.4.0';
const ARTIFACT = `org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`;
const REALM = 'staff';
/** Builds its application at the first start. */
const START_MS = 900_000;

/** Keycloak with a realm of some people, whose passwords are their names. */
export interface Keycloak extends AsyncDisposable {
  readonly issuer: string;
}

/** What Keycloak is asked to have. */
export interface RealmSettings {
  readonly client: { readonly id: string; readonly secret: string };
  /** The console, as browsers have it. */
  readonly console: string;
  /** Name of the provider in the console's settings. */
  readonly provider: string;
  readonly groups: Readonly<Record<string, readonly string[]>>;
}

/** Why Keycloak cannot run here; undefined where it can. */
export async function keycloakObstacle(): Promise<string | undefined> {
  for (const program of ['java', 'mvn', 'unzip'])
    if ((await findOnPath(program)) === undefined) return `Keycloak needs ${program} on PATH`;
  return undefined;
}

/** Its distribution in the cache of this project, from Maven Central. */
function distribution(): Promise<string> {
  return installedDir('keycloak', VERSION, async (dir) => {
    printToStderr(`[keycloak] downloading ${ARTIFACT}`);
    await runCommand('mvn', [
      ...['-B', '-q', 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'],
      ...[`-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${dir}`],
    ]);
    const zip = (await readdir(dir)).find((name) => name.endsWith('.zip'));
    if (zip === undefined) throw new Error(`Maven left no archive in ${dir}`);
    await runCommand('unzip', ['-q', zip], { cwd: dir });
    await rm(join(dir, zip));
    return `keycloak-${VERSION}/bin/kc.sh`;
  });
}

function realmOf({ client, console, provider, groups }: RealmSettings) {
  const config = {
    ...{ 'claim.name': 'groups', 'full.path': 'false', 'id.token.claim': 'true' },
    ...{ 'access.token.claim': 'true', 'userinfo.token.claim': 'true' },
  };
  const mapper = {
    name: 'groups',
    protocol: 'openid-connect',
    protocolMapper: 'oidc-group-membership-mapper',
  };
  return {
    ...{ realm: REALM, enabled: true, sslRequired: 'none' },
    groups: [...new Set(Object.values(groups).flat())].map((name) => ({ name })),
    users: Object.entries(groups).map(([username, own]) => ({
      ...{ username, enabled: true, emailVerified: true, email: `${username}@example.com` },
      ...{ firstName: username, lastName: 'Example' },
      credentials: [{ type: 'password', value: username, temporary: false }],
      groups: own.map((name) => `/${name}`),
    })),
    clients: [
      {
        ...{ clientId: client.id, secret: client.secret, protocol: 'openid-connect', publicClient: false },
        redirectUris: [`${console}_login/${provider}/back`],
        attributes: { 'post.logout.redirect.uris': console, 'pkce.code.challenge.method': 'S256' },
        protocolMappers: [{ ...mapper, config }],
      },
    ],
  };
}

/** Starts it at localhost, which is another site than 127.0.0.1, on a copy of its distribution in `dir`. */
export async function startKeycloak(dir: string, settings: RealmSettings): Promise<Keycloak> {
  const home = join(dir, 'keycloak');
  await cp(join(await distribution(), `keycloak-${VERSION}`), home, { recursive: true });
  await mkdir(join(home, 'data/import'), { recursive: true });
  await writeFile(join(home, 'data/import', `${REALM}-realm.json`), JSON.stringify(realmOf(settings)));
  const issuerAt = (port: number) => `http://localhost:${port}/realms/${REALM}`;
  const kind: ServerKind = {
    name: 'keycloak',
    server: { command: join(home, 'bin/kc.sh'), args: [], env: {}, description: `Keycloak ${VERSION}` },
    portCount: 2,
    stopWithin: 20_000,
    uri: issuerAt,
    prepare: async (_folder, [port, management]) => ({
      args: [
        ...['start-dev', '--import-realm', '--http-host=localhost', `--http-port=${port}`],
        `--http-management-port=${management}`,
      ],
      env: { JAVA_OPTS_KC_HEAP: '-Xms128m -Xmx512m' },
    }),
    async probe([port = 0], signal) {
      const response = await fetch(`${issuerAt(port)}/.well-known/openid-configuration`, { signal });
      if (!response.ok) throw new Error(`it answers ${response.status}`);
    },
  };
  const server = await startServer(kind, { dir: join(dir, 'server'), readyWithin: START_MS });
  return { issuer: server.uri, [Symbol.asyncDispose]: () => server.stop() };
}
