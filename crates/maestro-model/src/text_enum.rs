//! Enumerations that are words in JSON (spec 01 JS-5, 04 S-7, S-8).

/// Declares an enumeration with its words: `ALL`, `as_str`, `from_text`, `Display` and the JSON codec.
macro_rules! text_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident as $what:literal {
        $($(#[$vmeta:meta])* $variant:ident = $text:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// All values in the order of their declaration.
            $vis const ALL: &[$name] = &[$($name::$variant,)+];

            /// The word in JSON.
            $vis const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }

            /// Reads the word in any case, untrimmed (spec 01 JS-5).
            $vis fn from_text(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| $crate::text_enum::same_word(value.as_str(), text))
            }
        }

        $crate::text_enum::word_codec!($name as $what);
    };
}
pub(crate) use text_enum;

/// `Display` and the JSON codec of an enumeration that has `ALL`, `as_str` and `from_text`.
macro_rules! word_codec {
    ($name:ident as $what:literal) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::codec::Word for $name {
            const WHAT: &'static str = $what;
            fn words() -> impl Iterator<Item = &'static str> {
                Self::ALL.iter().map(|value| value.as_str())
            }
            fn parse(text: &str) -> Option<Self> {
                Self::from_text(text)
            }
        }

        impl $crate::codec::FromJson for $name {
            fn from_json(
                json: $crate::json::Json,
                at: &$crate::codec::At<'_>,
            ) -> Result<Self, $crate::codec::JsonError> {
                $crate::codec::read_word(&json, at)
            }
        }

        impl $crate::json::ToJson for $name {
            fn write(&self, out: &mut $crate::json::Writer) {
                out.string(self.as_str());
            }
        }
    };
}
pub(crate) use word_codec;

/// Whether two words are equal once both are in upper case, as the reference compares them.
pub(crate) fn same_word(word: &str, text: &str) -> bool {
    word.eq_ignore_ascii_case(text)
        || (!text.is_ascii() && text.to_uppercase() == word.to_uppercase())
}
