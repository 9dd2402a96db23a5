/** What the tests use of a package that has no types. */
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http';

  /** A certified OpenID Connect provider. */
  // biome-ignore lint/style/noDefaultExport: it is the package's
  export default class Provider {
    constructor(issuer: string, configuration: object);
    callback(): RequestListener;
  }
}
