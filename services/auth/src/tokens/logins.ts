import type { TenantId, TenantSettings } from '@im/contract';
import { eachLimited, type Metrics, sleep } from '@im/kit';
import type { LiveToken, LoginCommit, TokenRepo, TokenSet } from '@im/store';
import { refuseBanned } from './banned.ts';
import type { CommitWriters } from './commit-writers.ts';
import { LoginBatches, type LoginRequest, type PendingLogin } from './login-batches.ts';
import { type LoginPlan, planLogin, spansPlatforms } from './login-plan.ts';

/** A token just issued. */
export interface IssuedToken {
  readonly token: string;
  readonly issue: number;
  readonly lifeSeconds: number;
}

/** A token as it is handed out, and as it is stored. */
export interface MadeToken {
  readonly issued: IssuedToken;
  readonly live: LiveToken;
}

export interface LoginsDeps {
  readonly repo: Pick<TokenRepo, 'issueState' | 'getAll'>;
  readonly commits: LoginCommit;
  readonly writers: CommitWriters;
  readonly metrics: Metrics;
  /** Clock in ms. */
  readonly now: () => number;
  readonly make: (tenant: TenantSettings, userID: string, platformID: number, issue: number) => MadeToken;
  /** Issues one token step by step: for what cannot be written with others. */
  readonly issueAlone: (tenant: TenantSettings, userID: string, platformID: number) => Promise<IssuedToken>;
  /** Makes a changed set known to all processes. */
  readonly spread: (tenant: TenantId, set: TokenSet, ended: readonly string[]) => Promise<void>;
  /** Ends what the policy ends among all tokens of a user as they are now. */
  readonly applyPolicy: (
    tenant: TenantSettings,
    userID: string,
    sets: readonly TokenSet[],
  ) => Promise<unknown>;
}

/** Issues a token for a login. */
export type IssueLogin = (request: LoginRequest) => Promise<IssuedToken>;

interface Planned {
  readonly login: PendingLogin<IssuedToken>;
  readonly plan: LoginPlan<MadeToken>;
}

/** Commits of the logins of one tenant before they are done alone. */
const MAX_ATTEMPTS = 5;
const ATTEMPT_JITTER_MS = 10;
/** Logins done alone at once, of a batch. */
const ALONE_AT_ONCE = 16;

/**
 * Logins of many users with one read of each kind and one commit. When another writer was faster with one of them, they
 * are committed by tenant, then from what is stored by then, and in the end one by one: a tenant whose logins collide
 * makes only its own expensive.
 */
export function createLogins(deps: LoginsDeps): IssueLogin {
  const { repo, commits, writers, metrics, now } = deps;

  async function planned(login: PendingLogin<IssuedToken>): Promise<Planned | undefined> {
    const { tenant, userID, platformID } = login;
    try {
      const [{ lastIssue, ban }, sets] = await Promise.all([
        repo.issueState(tenant.id, userID),
        repo.getAll(tenant.id, userID),
        login.authorize(),
      ]);
      // A ban takes a number: one that comes meanwhile lets the commit fail, and this is looked at again.
      refuseBanned(ban, now());
      const plan = planLogin<MadeToken>(
        { lastIssue, sets },
        {
          userID,
          platformID,
          multiLogin: tenant.multiLogin,
          now: now(),
          make: (issue) => deps.make(tenant, userID, platformID, issue),
        },
      );
      return { login, plan };
    } catch (error) {
      login.reject(error);
      return undefined;
    }
  }

  async function planAll(logins: readonly PendingLogin<IssuedToken>[]): Promise<Planned[]> {
    return (await Promise.all(logins.map(planned))).filter((plan) => plan !== undefined);
  }

  async function commit(all: readonly Planned[], attempt = 1): Promise<void> {
    if (all.length === 0) return;
    const writes = all.map(({ login: { tenant, userID }, plan: { issue, changes } }) => ({
      tenant: tenant.id,
      userID,
      issue,
      sets: changes,
    }));
    let done: boolean | undefined;
    try {
      done = await writers.use((writer) => commits.commit(writer, writes));
    } catch (error) {
      for (const { login } of all) login.reject(error);
      return;
    }
    if (done) {
      await Promise.all(all.map(finish));
      return;
    }
    const tenants = [...Map.groupBy(all, ({ login }) => login.tenant.id).values()];
    const logins = all.map(({ login }) => login);
    if (done === undefined || attempt >= MAX_ATTEMPTS) await eachLimited(logins, ALONE_AT_ONCE, alone);
    else if (tenants.length > 1) await Promise.all(tenants.map((group) => commit(group, attempt)));
    else {
      await sleep(Math.random() * ATTEMPT_JITTER_MS * attempt);
      await commit(await planAll(logins), attempt + 1);
    }
  }

  /** What was written is made known before the login has its token: a token that it ended is refused from then on. */
  async function finish({ login, plan }: Planned): Promise<void> {
    const { tenant, userID } = login;
    try {
      await Promise.all(plan.changes.map(({ after, ended }) => deps.spread(tenant.id, after, ended)));
      if (spansPlatforms(tenant.multiLogin)) {
        // Looked at after the own token was written, so of two logins at once the second one to look sees both.
        await deps.applyPolicy(tenant, userID, await repo.getAll(tenant.id, userID));
      }
      login.resolve(plan.made.issued);
    } catch (error) {
      login.reject(error);
    }
  }

  async function alone(login: PendingLogin<IssuedToken>): Promise<void> {
    try {
      login.resolve(await deps.issueAlone(login.tenant, login.userID, login.platformID));
    } catch (error) {
      login.reject(error);
    }
  }

  const batches = new LoginBatches<IssuedToken>({
    databaseOf: commits.databaseOf,
    metrics,
    async run(batch) {
      await commit(await planAll(batch));
    },
  });
  return (request) => batches.login(request);
}
