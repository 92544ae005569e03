//! Media of a node: text, image, audio and video as resources.

use std::borrow::Cow;

use super::{Node, NodeType};
use crate::json::{Kind, Value};

/// A `MediaResource`: where a text, an image, audio or video is. Its bytes are
/// never persisted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaResource<'n>(Value<'n>);

impl<'n> MediaResource<'n> {
    /// The text that it is.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'n, [u8]>> {
        self.string("text")
    }

    /// A path in the file system.
    #[must_use]
    pub fn path(&self) -> Option<Cow<'n, [u8]>> {
        self.string("path")
    }

    /// A URL.
    #[must_use]
    pub fn url(&self) -> Option<Cow<'n, [u8]>> {
        self.string("url")
    }

    /// The MIME type.
    #[must_use]
    pub fn mimetype(&self) -> Option<Cow<'n, [u8]>> {
        self.string("mimetype")
    }

    /// An embedding of it by its kind, `dense` or `sparse`.
    #[must_use]
    pub fn embedding(&self, kind: &str) -> Option<Vec<f64>> {
        let embeddings = self.0.get(b"embeddings")?;
        embeddings.get(kind.as_bytes())?.as_numbers()
    }

    /// All of it: an object.
    #[must_use]
    pub fn value(&self) -> Value<'n> {
        self.0
    }

    fn string(&self, name: &str) -> Option<Cow<'n, [u8]>> {
        self.0.get(name.as_bytes())?.as_str()
    }
}

impl Node {
    /// The text of a `Node` or `Document` as a resource.
    #[must_use]
    pub fn text_resource(&self) -> Option<MediaResource<'_>> {
        self.resource("text_resource")
    }

    /// The image of a `Node` or `Document`.
    #[must_use]
    pub fn image_resource(&self) -> Option<MediaResource<'_>> {
        self.resource("image_resource")
    }

    /// The audio of a `Node` or `Document`.
    #[must_use]
    pub fn audio_resource(&self) -> Option<MediaResource<'_>> {
        self.resource("audio_resource")
    }

    /// The video of a `Node` or `Document`.
    #[must_use]
    pub fn video_resource(&self) -> Option<MediaResource<'_>> {
        self.resource("video_resource")
    }

    /// The image itself in base 64, which only image nodes keep.
    #[must_use]
    pub fn image(&self) -> Option<Cow<'_, [u8]>> {
        self.string(&["image"])
    }

    /// Where the image is in the file system.
    #[must_use]
    pub fn image_path(&self) -> Option<Cow<'_, [u8]>> {
        self.of_image("image_path", MediaResource::path)
    }

    /// The URL of the image.
    #[must_use]
    pub fn image_url(&self) -> Option<Cow<'_, [u8]>> {
        self.of_image("image_url", MediaResource::url)
    }

    /// The MIME type of the image.
    #[must_use]
    pub fn image_mimetype(&self) -> Option<Cow<'_, [u8]>> {
        self.of_image("image_mimetype", MediaResource::mimetype)
    }

    /// The embedding of the text of an image.
    #[must_use]
    pub fn text_embedding(&self) -> Option<Vec<f64>> {
        match self.node_type {
            NodeType::Document => self.text_resource()?.embedding("dense"),
            _ => self.any(&["text_embedding"])?.as_numbers(),
        }
    }

    fn resource(&self, name: &str) -> Option<MediaResource<'_>> {
        let value = self.any(&[name])?;
        (value.kind() == Kind::Object).then_some(MediaResource(value))
    }

    /// Image nodes have it as a field, documents in their resource; documents of
    /// releases before 0.12 as a field, too.
    fn of_image<'n>(
        &'n self,
        name: &str,
        of_resource: fn(&MediaResource<'n>) -> Option<Cow<'n, [u8]>>,
    ) -> Option<Cow<'n, [u8]>> {
        match self.image_resource() {
            Some(resource) => of_resource(&resource),
            None => self.string(&[name]),
        }
    }
}
