import { createClient } from '@carillon/client/client';
import { createVersions } from '@carillon/client/versions';

/** Shows the open alerts of a ward, live, and lets somebody take one. */
export function watchWard(url: string, token: () => Promise<string>, wardId: string) {
  const client = createClient({ url, token, name: 'ward-board' });
  const versions = createVersions();
  const open = new Map<string, string>();

  client.subscribe(`ward:${wardId}:alerts`, {
    // At the first join, and whenever messages may be missing.
    async loadState() {
      const { items } = await client.call('alert:list', { wardId, state: 'open' }, { over: 'http' });
      for (const { alertId, version, message } of items) {
        if (versions.isNews(alertId, version)) open.set(alertId, message);
      }
    },
    on: {
      'alert:raised': ({ data, displayed }) => {
        if (!versions.isNews(data.alertId, data.version)) return;
        open.set(data.alertId, data.message);
        displayed();
      },
      'alert:acknowledged': ({ data }) => {
        if (versions.isNews(data.alertId, data.version)) open.delete(data.alertId);
      },
    },
    onEnd: ({ message }) => console.error(message),
  });
  client.on('link', (link) => document.body.classList.toggle('not-live', link.state !== 'live'));
  client.start();

  return {
    open,
    // Waits for a connection if it must, is sent once in effect, and fails with `expired` when it comes too late.
    acknowledge: (alertId: string) => client.call('alert:acknowledge', { alertId }),
    stop: () => client.stop(),
  };
}
