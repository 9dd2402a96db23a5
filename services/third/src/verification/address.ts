import { isIPv6 } from 'node:net';
import { MAIL_ADDRESS, MAIL_ADDRESS_CHARACTERS } from '@im/contract';
import { argsError } from '@im/protocol';

/** Where a code goes. */
export interface CodeAddress {
  readonly channel: 'sms' | 'mail';
  /** The number in E.164, or the mail address as it was given. */
  readonly address: string;
}

/** E.164. */
const NUMBER = /^\+[1-9][0-9]{6,14}$/;

/** The address of a request, which has either. @throws ImError 1001. */
export function codeAddress({ phone, mail }: { readonly phone: string; readonly mail: string }): CodeAddress {
  if ((phone === '') === (mail === '')) throw argsError('give either phone or mail');
  if (phone !== '') {
    if (!NUMBER.test(phone))
      throw argsError('phone must be a number with its country, such as +8613800000000');
    return { channel: 'sms', address: phone };
  }
  if (mail.length > MAIL_ADDRESS_CHARACTERS || !MAIL_ADDRESS.test(mail))
    throw argsError('mail must be a mail address, such as a@example.org');
  return { channel: 'mail', address: mail };
}

/** The same for every spelling of an address that reaches the same mailbox at most servers. */
export function countedAddress({ channel, address }: CodeAddress): string {
  return `${channel}:${address.toLowerCase()}`;
}

/** What is counted of an IP address: of IPv6 its network of 64 bits, since one client has all of it. */
export function countedIP(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !isIPv6(address)) return mapped ?? address;
  const [head = '', tail] = address.toLowerCase().replace(/%.*$/, '').split('::');
  const words = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - words.length - after.length);
  const all = [...words, ...Array.from({ length: zeros }, () => '0'), ...after];
  return all
    .slice(0, 4)
    .map((word) => word.replace(/^0+(?=.)/, ''))
    .join(':');
}
