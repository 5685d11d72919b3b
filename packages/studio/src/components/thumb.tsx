/** A thumbnail of an image of the project. */
import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { knownThumbnail, thumbnail } from '../state/thumbnails.ts';

export const Thumb: FunctionComponent<{ readonly id: string; readonly name: string }> = ({ id, name }) => {
  const [address, setAddress] = useState(knownThumbnail(id));
  useEffect(() => {
    let isShown = true;
    void thumbnail(id).then((found) => isShown && setAddress(found));
    return () => {
      isShown = false;
    };
  }, [id]);
  return (
    <span class="thumb">{address === undefined ? null : <img src={address} alt={name} title={name} draggable={false} />}</span>
  );
};
