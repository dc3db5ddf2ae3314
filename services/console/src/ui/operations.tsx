import { AccessForms } from './access-forms.tsx';
import { DeviceList } from './device-list.tsx';
import { GatewayFigures } from './gateway-figures.tsx';
import { PublishNotice } from './publish-notice.tsx';
import { Response } from './response.tsx';
import { WardFigures } from './ward-figures.tsx';

/** What operators do, and what their gateway is doing. */
export const Operations = () => (
  <main className="operations" aria-labelledby="operations-title">
    <h2 id="operations-title">Operations</h2>
    <div className="operations-columns">
      <WardFigures />
      <Response />
      <DeviceList />
      <GatewayFigures />
      <PublishNotice />
      <AccessForms />
    </div>
  </main>
);
