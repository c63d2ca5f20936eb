import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';

export interface OnlyLoopbackProps {
  readonly onShow: () => void;
}

/** The first look at a host that talks to nobody else yet: nothing is broken, only hidden. */
export function OnlyLoopback({ onShow }: OnlyLoopbackProps) {
  return (
    <Alert
      type="info"
      header="Only loopback flows so far"
      action={<Button onClick={onShow}>Show loopback flows</Button>}
    >
      Agents report, but only what hosts say to themselves, which crosses no network and is hidden.
      Flows to other hosts are shown about 30 seconds after they begin.
    </Alert>
  );
}
