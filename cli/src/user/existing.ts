import { type ApiTarget, callApi } from '../api-client.ts';

interface CheckedAccount {
  readonly userID: string;
  /** Number or word, by version of the server. */
  readonly accountStatus: number | string;
}

/** Which of the users exist; at most 100. */
export async function existingUsers(
  admin: ApiTarget,
  userIDs: readonly string[],
): Promise<ReadonlySet<string>> {
  const { results } = await callApi<{ results: CheckedAccount[] | null }>(admin, '/user/account_check', {
    checkUserIDs: userIDs,
  });
  const isThere = (status: number | string) => status === 1 || status === 'registered';
  return new Set((results ?? []).filter((each) => isThere(each.accountStatus)).map(({ userID }) => userID));
}
