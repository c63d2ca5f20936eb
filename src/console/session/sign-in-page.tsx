import Alert from '@cloudscape-design/components/alert';
import Box from '@cloudscape-design/components/box';
import Button from '@cloudscape-design/components/button';
import Container from '@cloudscape-design/components/container';
import Form from '@cloudscape-design/components/form';
import FormField from '@cloudscape-design/components/form-field';
import Header from '@cloudscape-design/components/header';
import Input from '@cloudscape-design/components/input';
import SpaceBetween from '@cloudscape-design/components/space-between';
import { type FormEvent, useState } from 'react';
import logo from '../shell/logo.svg';
import type { Credentials } from './session.ts';

export interface SignInPageProps {
  readonly busy: boolean;
  /** Reason why the user has to sign in, or why the last attempt failed. */
  readonly notice?: string | undefined;
  readonly onSignIn: (credentials: Credentials) => void;
}

/** The form that is shown without a session. */
export function SignInPage({ busy, notice, onSignIn }: SignInPageProps) {
  const [accessKeyId, setAccessKeyId] = useState('');
  const [secretAccessKey, setSecretAccessKey] = useState('');
  const complete = accessKeyId.trim() !== '' && secretAccessKey !== '';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (complete && !busy) onSignIn({ accessKeyId: accessKeyId.trim(), secretAccessKey });
  };
  return (
    <main className="sign-in">
      <div className="sign-in-brand">
        <img src={logo} alt="" width="40" height="40" />
        <Box variant="h1">Network Flow Monitor</Box>
      </div>
      <form onSubmit={submit}>
        <Form
          actions={
            <Button variant="primary" formAction="submit" loading={busy} disabled={!complete}>
              Sign in
            </Button>
          }
        >
          <SpaceBetween size="m">
            {notice === undefined ? undefined : <Alert type="error">{notice}</Alert>}
            <Container header={<Header variant="h2">Sign in</Header>}>
              <SpaceBetween size="m">
                <FormField
                  label="Access key ID"
                  description="In the file “credentials” of the server’s data folder, under the profile “default”."
                >
                  <Input
                    value={accessKeyId}
                    onChange={({ detail }) => setAccessKeyId(detail.value)}
                    name="accessKeyId"
                    autoComplete="username"
                    spellcheck={false}
                    autoFocus
                  />
                </FormField>
                <FormField label="Secret access key">
                  <Input
                    value={secretAccessKey}
                    onChange={({ detail }) => setSecretAccessKey(detail.value)}
                    name="secretAccessKey"
                    type="password"
                    autoComplete="current-password"
                  />
                </FormField>
              </SpaceBetween>
            </Container>
          </SpaceBetween>
        </Form>
      </form>
    </main>
  );
}
