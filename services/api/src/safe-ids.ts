import { argsError } from '@im/protocol';

/** Names of fields that hold ids: they become parts of keys. */
const ID_FIELD = /(?:ID\d?|IDs|IDList|uuid)$/;
const MAX_ID = 2_048;

function firstControl(id: string): boolean {
  for (let i = 0; i < id.length; i++) if (id.charCodeAt(i) < 0x20) return true;
  return false;
}

function checkID(field: string, id: unknown): void {
  if (typeof id !== 'string') return;
  if (id.length > MAX_ID) throw argsError(`${field} is longer than ${MAX_ID}`);
  if (firstControl(id)) throw argsError(`${field} contains a control character`);
}

/** Looks at every id in a request, however deep. @throws ImError 1001 for one with a control character, or too long. */
export function checkIDs(message: object): void {
  for (const [field, value] of Object.entries(message)) {
    if (Array.isArray(value)) {
      for (const entry of value) {
        if (typeof entry === 'object' && entry !== null) checkIDs(entry);
        else if (ID_FIELD.test(field)) checkID(field, entry);
      }
    } else if (typeof value === 'object' && value !== null) {
      if (!(value instanceof Uint8Array)) checkIDs(value);
    } else if (ID_FIELD.test(field)) checkID(field, value);
  }
}
