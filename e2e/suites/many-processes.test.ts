import { describe } from 'node:test';
import { runBehaviours } from './run-behaviours.ts';

describe('SDKs against many processes', () => runBehaviours('many'));
