import TopNavigation from '@cloudscape-design/components/top-navigation';
import type { Session } from '../session/session.ts';
import { hrefOf } from './console-path.ts';
import logo from './logo.svg';

export interface ConsoleHeaderProps {
  readonly session: Session;
  readonly onSignOut: () => void;
}

/** The bar at the top: product name, account and Region, sign-out. */
export function ConsoleHeader({ session, onSignOut }: ConsoleHeaderProps) {
  return (
    <TopNavigation
      identity={{
        href: hrefOf('/'),
        title: 'Network Flow Monitor',
        logo: { src: logo, alt: '' },
      }}
      utilities={[
        {
          type: 'menu-dropdown',
          iconName: 'user-profile',
          text: `${session.account} · ${session.region}`,
          ariaLabel: `Account ${session.account}, Region ${session.region}`,
          title: `Account ${session.account}`,
          description: session.region,
          items: [
            { id: 'key', text: `Access key ${session.accessKeyId}`, disabled: true },
            { id: 'sign-out', text: 'Sign out' },
          ],
          onItemClick: ({ detail }) => {
            if (detail.id === 'sign-out') onSignOut();
          },
        },
        { type: 'button', text: 'Sign out', onClick: onSignOut },
      ]}
    />
  );
}
