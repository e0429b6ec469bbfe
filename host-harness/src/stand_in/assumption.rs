//! The rules that nobody has confirmed, each with a name: a client is tried against both answers.

use std::collections::BTreeSet;

/// A rule that is inferred, and holds unless a seed says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Assumption {
    /// `empty-label-ids-clear`: `"label_ids": []` takes off all labels. Otherwise they stay.
    EmptyLabelIdsClear,
    /// `label-ids-replace`: what `label_ids` does not list is taken off. Otherwise it stays.
    LabelIdsReplace,
    /// `null-unsets-title`: a title can be null, as the vendor's document says. Otherwise that is refused.
    NullUnsetsTitle,
    /// `null-unsets-custom`: null unsets a custom field of a lead. Otherwise the field stays.
    NullUnsetsCustom,
    /// `link-text-in-error-info`: that a lead must stay linked is told in `error_info`. Otherwise in `error`.
    LinkTextInErrorInfo,
    /// `id-is-ignored`: an `id` in the content changes nothing. Otherwise it is refused.
    IdIsIgnored,
}

impl Assumption {
    /// All, by their names in a seed.
    pub const ALL: [(&str, Self); 6] = [
        ("empty-label-ids-clear", Self::EmptyLabelIdsClear),
        ("label-ids-replace", Self::LabelIdsReplace),
        ("null-unsets-title", Self::NullUnsetsTitle),
        ("null-unsets-custom", Self::NullUnsetsCustom),
        ("link-text-in-error-info", Self::LinkTextInErrorInfo),
        ("id-is-ignored", Self::IdIsIgnored),
    ];

    /// The one that a seed calls so.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, assumption)| assumption)
    }
}

/// Which of them hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Assumptions {
    given_up: BTreeSet<Assumption>,
}

impl Assumptions {
    pub(super) fn hold(&self, assumption: Assumption) -> bool {
        !self.given_up.contains(&assumption)
    }

    pub(super) fn set(&mut self, assumption: Assumption, holds: bool) {
        if holds {
            self.given_up.remove(&assumption);
        } else {
            self.given_up.insert(assumption);
        }
    }
}
