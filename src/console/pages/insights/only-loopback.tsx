import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';

export interface OnlyLoopbackProps {
  readonly onShow: () => void;
}

/** Explains an empty page when all flows are within a host, as on a new installation. */
export function OnlyLoopback({ onShow }: OnlyLoopbackProps) {
  return (
    <Alert
      type="info"
      header="Only loopback flows so far"
      action={<Button onClick={onShow}>Show loopback flows</Button>}
    >
      Loopback flows stay within a host. They cross no network and are hidden. Flows to other hosts
      appear about 30 seconds after they begin.
    </Alert>
  );
}
