import { type ApiTarget, callApi } from '../api-client.ts';
import { asAdmin, noSuchUser, type Target } from '../target.ts';
import type { Recipient, Sender, SentMessage } from './sender.ts';

const TEXT = 101;
const SINGLE_CHAT = 1;
const GROUP_CHAT = 3;
const PLATFORM_ADMIN = 10;

interface User {
  userID: string;
  nickname: string;
  faceURL: string;
}

/** Sends by the HTTP API with admin rights. Repeating a message is left to the caller, as ids are the server's. */
export async function apiSender(target: Target, from: string, to: Recipient): Promise<Sender> {
  const admin = await asAdmin(target);
  const sender = await knownUsers(admin, from, to.user);
  return {
    send: (text) =>
      callApi<SentMessage>(admin, '/msg/send_msg', {
        sendID: from,
        recvID: to.user ?? '',
        groupID: to.group ?? '',
        senderNickname: sender.nickname,
        senderFaceURL: sender.faceURL,
        senderPlatformID: PLATFORM_ADMIN,
        content: { content: text },
        contentType: TEXT,
        sessionType: to.group === undefined ? SINGLE_CHAT : GROUP_CHAT,
      }),
    [Symbol.dispose]() {},
  };
}

/** The sender's profile. @throws CommandError `usage` that names a user who does not exist. */
async function knownUsers(admin: ApiTarget, from: string, to: string | undefined): Promise<User> {
  const userIDs = to === undefined || to === from ? [from] : [from, to];
  const { usersInfo } = await callApi<{ usersInfo: User[] | null }>(admin, '/user/get_users_info', {
    userIDs,
  });
  const find = (userID: string): User => {
    const user = usersInfo?.find((each) => each.userID === userID);
    if (user === undefined) throw noSuchUser(userID);
    return user;
  };
  if (to !== undefined) find(to);
  return find(from);
}
