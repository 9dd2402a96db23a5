import { randomUUID } from 'node:crypto';
import type { Endpoint, Target } from '@im/client';
import { chatConversationID, SESSION } from '@im/protocol';
import type { EventLog, SdkEvent } from './event-log.ts';
import type { SdkKind, SdkPort, WireFile } from './sdk-port.ts';

/** A message as both SDKs show it. */
export interface SdkMessage {
  readonly clientMsgID: string;
  readonly serverMsgID: string;
  readonly sendID: string;
  readonly recvID: string;
  readonly groupID: string;
  readonly contentType: number;
  readonly seq: number;
  readonly sendTime: number;
  readonly status: number;
  readonly isRead: boolean;
  readonly content: string;
  readonly textElem?: { readonly content: string };
}

export interface SdkGroup {
  readonly groupID: string;
  readonly groupName: string;
  readonly memberCount: number;
}

export interface SdkConversation {
  readonly conversationID: string;
  readonly unreadCount: number;
  readonly isPinned: boolean;
  readonly recvMsgOpt: number;
}

/** Roles and options that tests name. */
export const PLATFORM_OF: Readonly<Record<SdkKind, number>> = { js: 5, wasm: 5 };

const SYNC_FINISHED = 'OnSyncServerFinish';
const LOGIN_OUTCOMES = [
  SYNC_FINISHED,
  'OnSyncServerFailed',
  'OnUserTokenInvalid',
  'OnUserTokenExpired',
  'OnKickedOffline',
];

/** One user with one SDK, in the words of the tests. Methods reject with SdkError. */
export class SdkUser {
  readonly userID: string;
  readonly platformID: number;
  private readonly port: SdkPort;

  constructor(userID: string, port: SdkPort, platformID = PLATFORM_OF[port.kind]) {
    this.userID = userID;
    this.port = port;
    this.platformID = platformID;
  }

  get kind(): SdkKind {
    return this.port.kind;
  }
  get events(): EventLog {
    return this.port.events;
  }
  call<T = unknown>(method: string, params?: unknown): Promise<T> {
    return this.port.call(method, params) as Promise<T>;
  }

  /** Logs in and waits until the SDK has synchronized. @throws Error that names what failed. */
  async login(endpoint: Endpoint, token: string, timeoutMs = 120_000): Promise<void> {
    const since = this.events.mark();
    const over = new AbortController();
    const outcome = Promise.race(
      LOGIN_OUTCOMES.map((name) =>
        this.events.wait(name, () => true, { since, timeoutMs, signal: over.signal }),
      ),
    );
    // The call itself may fail first; then the outcome is not needed.
    outcome.catch(() => {});
    try {
      await this.call('login', {
        userID: this.userID,
        token,
        platformID: this.platformID,
        apiAddr: endpoint.api,
        wsAddr: endpoint.ws,
        logLevel: this.kind === 'js' ? 5 : 2,
        isLogStandardOutput: false,
      });
      const { event, errCode, errMsg } = await outcome;
      if (event !== SYNC_FINISHED) throw new Error(`${this.userID}: ${event} at login: ${errCode} ${errMsg}`);
    } finally {
      over.abort(new Error('the login is over'));
    }
  }

  async logout(): Promise<void> {
    await this.call('logout');
  }

  conversationID(target: Target): string {
    return chatConversationID({
      sessionType: target.group === undefined ? SESSION.Single : SESSION.Group,
      sendID: this.userID,
      recvID: target.user ?? '',
      groupID: target.group ?? '',
    });
  }

  async sendText(target: Target, text: string): Promise<SdkMessage> {
    const message = await this.call('createTextMessage', text);
    return await this.call<SdkMessage>('sendMessage', {
      recvID: target.user ?? '',
      groupID: target.group ?? '',
      message,
    });
  }

  /** Waits for the callback with this text. */
  async received(text: string, options: { since?: number; timeoutMs?: number } = {}): Promise<SdkMessage> {
    const names = ['OnRecvNewMessages', 'OnRecvNewMessage', 'onRecvOfflineNewMessages'];
    const over = new AbortController();
    try {
      const found = await Promise.race(
        names.map((name) =>
          this.events.wait(name, (event) => messagesOf(event).some((m) => textOf(m) === text), {
            ...options,
            signal: over.signal,
          }),
        ),
      );
      return messagesOf(found).find((m) => textOf(m) === text) as SdkMessage;
    } finally {
      over.abort(new Error('another callback came first'));
    }
  }

  /** The newest `count` messages of a conversation, by rising seq. */
  async history(conversationID: string, count: number): Promise<SdkMessage[]> {
    const found = new Map<string, SdkMessage>();
    let startClientMsgID = '';
    while (found.size < count) {
      const page = await this.call<{ messageList: SdkMessage[] | null; isEnd: boolean }>(
        'getAdvancedHistoryMessageList',
        { conversationID, count: Math.min(100, count - found.size), startClientMsgID, viewType: 0 },
      );
      const list = page.messageList ?? [];
      const before = found.size;
      for (const message of list) found.set(message.clientMsgID, message);
      if (page.isEnd || found.size === before) break;
      startClientMsgID = list.toSorted((a, b) => a.seq - b.seq)[0]?.clientMsgID ?? '';
    }
    return [...found.values()].sort((a, b) => a.seq - b.seq || a.sendTime - b.sendTime);
  }

  async conversations(): Promise<SdkConversation[]> {
    return (
      (await this.call<SdkConversation[] | null>('getConversationListSplit', { offset: 0, count: 200 })) ?? []
    );
  }
  async conversation(target: Target): Promise<SdkConversation> {
    return await this.call<SdkConversation>('getOneConversation', {
      sourceID: target.group ?? target.user,
      sessionType: target.group === undefined ? SESSION.Single : SESSION.Group,
    });
  }
  async setConversation(conversationID: string, change: Record<string, unknown>): Promise<void> {
    await this.call('setConversation', { conversationID, ...change });
  }
  async markRead(conversationID: string): Promise<void> {
    await this.call('markConversationMessageAsRead', conversationID);
  }
  /** Uploads a file below the user's own name. @returns the URL that others get it by. */
  async uploadFile(name: string, type: string, bytes: Uint8Array): Promise<string> {
    const file: WireFile = { base64: Buffer.from(bytes).toString('base64'), name, type };
    const uploaded = { name, contentType: type, uuid: randomUUID(), file };
    return (await this.call<{ url: string }>('uploadFile', uploaded)).url;
  }
  async typing(conversationID: string, focus: boolean): Promise<void> {
    await this.call('changeInputStates', { conversationID, focus });
  }
  async revoke(conversationID: string, clientMsgID: string): Promise<void> {
    await this.call('revokeMessage', { conversationID, clientMsgID });
  }

  async createGroup(groupName: string, memberUserIDs: readonly string[]): Promise<SdkGroup> {
    return await this.call<SdkGroup>('createGroup', {
      groupInfo: { groupName, groupType: 2 },
      memberUserIDs,
      adminUserIDs: [],
      ownerUserID: this.userID,
    });
  }
  async joinedGroups(): Promise<SdkGroup[]> {
    return (await this.call<SdkGroup[] | null>('getJoinedGroupListPage', { offset: 0, count: 200 })) ?? [];
  }
  async groupMembers(groupID: string): Promise<{ userID: string; roleLevel: number }[]> {
    const params = { groupID, filter: 0, offset: 0, count: 100 };
    return (
      (await this.call<{ userID: string; roleLevel: number }[] | null>('getGroupMemberList', params)) ?? []
    );
  }
  async invite(groupID: string, userIDList: readonly string[]): Promise<void> {
    await this.call('inviteUserToGroup', { groupID, reason: '', userIDList });
  }
  async kick(groupID: string, userIDList: readonly string[]): Promise<void> {
    await this.call('kickGroupMember', { groupID, reason: '', userIDList });
  }
  async quitGroup(groupID: string): Promise<void> {
    await this.call('quitGroup', groupID);
  }
  async dismissGroup(groupID: string): Promise<void> {
    await this.call('dismissGroup', groupID);
  }

  async addFriend(toUserID: string, reqMsg: string): Promise<void> {
    await this.call('addFriend', { toUserID, reqMsg });
  }
  async acceptFriend(toUserID: string, handleMsg = 'yes'): Promise<void> {
    await this.call('acceptFriendApplication', { toUserID, handleMsg });
  }
  async deleteFriend(userID: string): Promise<void> {
    await this.call('deleteFriend', userID);
  }
  async friends(): Promise<{ userID: string; remark: string }[]> {
    const list = await this.call<{ userID: string; remark: string }[] | null>('getFriendListPage', {
      offset: 0,
      count: 200,
    });
    return list ?? [];
  }

  close(): Promise<void> {
    return this.port.close();
  }
}

/** The messages of a callback. */
export function messagesOf(event: SdkEvent): SdkMessage[] {
  const data = event.data;
  if (Array.isArray(data)) return data as SdkMessage[];
  return data && typeof data === 'object' ? [data as SdkMessage] : [];
}

/** The text of a text message, else an empty string. */
export function textOf(message: SdkMessage): string {
  return message.textElem?.content ?? '';
}
