/**
 * Figures of the reference server (open-im-server, Go, with Kafka) on a comparable two-core machine,
 * one run a row, by scenario and measure: what users of it would compare with.
 */
const REFERENCE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'single, 20/s': { 'delivered p50': '98' },
  'single, 200/s': {
    'acknowledged p50': '2.7',
    'acknowledged p99': '8.8',
    'delivered p50': '74',
    'delivered p99': '131',
    'CPU per message, our processes': '2.73',
    'CPU per message, stores': '0.89 (queue alone)',
  },
  'single, 500/s': {
    'acknowledged p50': '4.3',
    'acknowledged p99': '19',
    'delivered p50': '133',
    'delivered p99': '845',
    'CPU per message, our processes': '1.82',
    'CPU per message, stores': '0.53 (queue alone)',
  },
  'single, 1000/s': {
    'delivered p50': '1200-2600',
    'delivered p99': '2100-12500',
    'CPU per message, our processes': '1.1-1.24',
    'CPU per message, stores': '0.33 (queue alone)',
  },
  'single, 2000/s': { 'delivered p50': '18000', 'delivered while sending': '434' },
  'single, closed loop': { acknowledged: '4969', 'delivered while sending': '3' },
  'hot conversation, 20 in flight': { acknowledged: '1132', lost: '12537 of 14001' },
  'group of 1000, 20/s': {
    deliveries: '19950',
    'delivered to the last p50': '86',
    'delivered to the last max': '178',
    'CPU per delivery, our processes': '26',
  },
  'pull of 50 messages': { pulls: '1161', 'CPU per pull, our processes': '1.08' },
  HTTP: {
    get_admin_token: '2359',
    'CPU per get_admin_token, our processes': '0.53',
    'get_users_info of 100': '1082',
    'CPU per get_users_info of 100, our processes': '1.19',
    'user_register of 50': '568',
    'CPU per user_register of 50, our processes': '1.44',
  },
  'idle connections': { connects: '1545-2415', 'memory per connection': '22.4' },
};

/** What the reference server reached, or an empty string. */
export function referenceFigure(scenario: string, measure: string): string {
  return REFERENCE[scenario]?.[measure] ?? '';
}
