import './shell/mantine.css';
import '@mantine/notifications/styles.css';
import './shell/styles.css';
import { setNonce } from 'get-nonce';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { takeLoginToken } from './session/login-token.ts';

/** The nonce of this page's styles; browsers hide it from the attribute. */
const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';
setNonce(nonce);

const root = document.getElementById('root');
if (root)
  createRoot(root).render(
    <StrictMode>
      <App nonce={nonce} loginToken={takeLoginToken()} />
    </StrictMode>,
  );
