import { type Finding, fine } from './finding.ts';
import { failureText, isRefusal, within } from './probe.ts';

const MEANINGS: Readonly<Record<string, string>> = {
  mongodb: 'Nothing can be stored: messages wait in the message log until that is full, and changes fail.',
  nats: 'No message is accepted.',
  redis: 'Presence and limits cannot be kept: users look offline, and everything is slower.',
  s3: 'Files and pictures cannot be uploaded.',
};

/**
 * Whether a store takes a write. Few stores report that their disk is full, or that they may only be read; all fail to write then.
 * @param write writes something small and removes it
 */
export async function writableFinding(
  store: string,
  subject: string,
  write: () => Promise<unknown>,
): Promise<Finding> {
  const check = `${store}.writable`;
  try {
    await within(write());
    return fine(check, subject, 'takes a write');
  } catch (error) {
    const text = failureText(error);
    if (isRefusal(error)) {
      return {
        ...{ check, subject, severity: 'unknown' },
        message: `the credentials do not permit a test write: ${text}`,
        meaning: '',
        remedy: 'Processes need this right, too, unless they have other credentials.',
      };
    }
    return {
      ...{ check, subject, severity: 'critical' },
      message: `it does not take a write: ${text}`,
      meaning: MEANINGS[store] ?? 'What needs it fails.',
      remedy:
        'Look whether its disk is full (df on its machine or volume), and at its log; then free space or enlarge it.',
    };
  }
}
