/** What stands for a secret. */
const MASK = '***';
/** Shorter texts are everywhere by chance. */
const SHORTEST = 4;

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // Credentials of a URL.
  [/([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'<>]+@/gi, `$1${MASK}@`],
  // JSON Web Tokens.
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, MASK],
  [/\b(bearer\s+)[A-Za-z0-9._~+/=-]{8,}/gi, `$1${MASK}`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----/g, MASK],
  // Signatures of presigned URLs.
  [
    /([?&](?:X-Amz-Signature|X-Amz-Security-Token|X-Amz-Credential|Signature|token|secret)=)[^&\s"']+/gi,
    `$1${MASK}`,
  ],
  // Fields that are called like secrets, in JSON and YAML.
  [
    /("?[A-Za-z_.-]*(?:secret|password|passwd|token|privatekey|accesskey|apikey|credential)s?"?\s*[:=]\s*)("(?:[^"\\]|\\.)+"|'[^']+'|[^\s,{}[\]"']+)/gi,
    `$1"${MASK}"`,
  ],
];

/** Names of fields that are no secrets, although they sound so: references, sizes, times, counts. */
const HARMLESS =
  /(?:secretRef|secretName|adminSecretRef|tokenPolicy|tokenExpire\w*|automountServiceAccountToken|secretProblem|_tokens?_(?:total|bucket|count|sum))"?\s*[:=]/i;

/**
 * Makes texts that can be given away: known secrets in any encoding that is used for them, and what looks like one, are masked.
 * @param secrets values to mask wherever they stand
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const known = [
    ...new Set(
      secrets
        .filter((secret) => secret.length >= SHORTEST)
        .flatMap((secret) => [
          secret,
          encodeURIComponent(secret),
          JSON.stringify(secret).slice(1, -1),
          Buffer.from(secret).toString('base64'),
          Buffer.from(secret).toString('base64url'),
        ]),
    ),
  ].sort((a, b) => b.length - a.length);
  return (text) => {
    const masked = known.reduce((rest, secret) => rest.replaceAll(secret, MASK), text);
    return masked
      .split('\n')
      .map((line) =>
        PATTERNS.reduce((rest, [pattern, by], index) => {
          const isByName = index === PATTERNS.length - 1;
          return isByName && HARMLESS.test(rest) ? rest : rest.replaceAll(pattern, by);
        }, line),
      )
      .join('\n')
      .replaceAll(PATTERNS[3]?.[0] ?? /$^/g, MASK);
  };
}
