use maestro_store::{DocumentChange, DocumentKind};

use super::{Backend, read};

fn put(kind: DocumentKind, name: &str, part: &str, body: &str) -> DocumentChange {
    DocumentChange::Put {
        kind,
        name: name.into(),
        part: part.into(),
        body: body.into(),
    }
}

fn remove(kind: DocumentKind, name: &str, part: Option<&str>) -> DocumentChange {
    DocumentChange::Remove {
        kind,
        name: name.into(),
        part: part.map(Into::into),
    }
}

pub(crate) fn documents_are_kept_by_kind_name_and_part(backend: &dyn Backend) {
    use DocumentKind::{JobTemplate, Signal, TagPermit};
    let mut store = backend.open();
    let put = [
        put(JobTemplate, "a", "v1", "a1"),
        put(JobTemplate, "a", "v2", "old"),
        put(JobTemplate, "a", "v2", "a2"),
        put(JobTemplate, "b", "v1", "b1"),
        put(TagPermit, "a", "", "permit"),
        put(Signal, "a", "009", "nine"),
        put(Signal, "a", "010", "ten"),
    ];
    assert_eq!(store.writer.documents(&put).unwrap(), 0);
    let snapshot = read(&store);
    let one = |kind, name, part| snapshot.document(kind, name, part).unwrap();
    assert_eq!(one(JobTemplate, "a", Some("v2")).as_deref(), Some("a2"));
    assert_eq!(one(JobTemplate, "a", Some("v3")), None);
    assert_eq!(one(TagPermit, "a", Some("")).as_deref(), Some("permit"));
    assert_eq!(one(Signal, "a", None).as_deref(), Some("ten"));
    assert_eq!(one(Signal, "b", None), None);
    assert_eq!(snapshot.documents(JobTemplate, "v1").unwrap(), ["a1", "b1"]);
    assert_eq!(snapshot.documents(Signal, "010").unwrap(), ["ten"]);
    drop(snapshot);
    let removed =
        |store: &mut maestro_store::Store, change| store.writer.documents(&[change]).unwrap();
    assert_eq!(removed(&mut store, remove(JobTemplate, "a", Some("v3"))), 0);
    assert_eq!(removed(&mut store, remove(JobTemplate, "a", None)), 2);
    drop(store);
    let snapshot = read(&backend.open());
    assert_eq!(snapshot.documents(JobTemplate, "v1").unwrap(), ["b1"]);
}
