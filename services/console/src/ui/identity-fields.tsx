import { TextField } from './fields.tsx';

type IdentityFieldsProps = {
  /** The field that holds the id, as errors name it. */
  idPath: string;
  id: string;
  name: string;
  /** It is stored already, or belongs to the product. */
  isIdFixed: boolean;
  isNameOptional?: boolean;
  onId: (id: string) => void;
  onName: (name: string) => void;
};

/** What a policy, a schedule or a group is known by: by others for ever, and to people. */
export const IdentityFields = ({ idPath, id, name, isIdFixed, isNameOptional, onId, onName }: IdentityFieldsProps) => (
  <>
    <TextField
      path={idPath}
      label="Id"
      hint="Letters, digits, - and _; it stays."
      value={id}
      onChange={onId}
      input={{ required: true, maxLength: 64, pattern: '[A-Za-z0-9_\\-]+', readOnly: isIdFixed }}
    />
    <TextField
      path="name"
      label="Name"
      value={name}
      onChange={onName}
      input={{ required: isNameOptional !== true, maxLength: 100 }}
    />
  </>
);
