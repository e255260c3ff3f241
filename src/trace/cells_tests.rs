use super::*;

fn cells(blocks: usize, present: &[(u64, usize)]) -> Cells {
    let mut cells = Cells::new("k", "e", vec!["a".into()], vec![1.0 / blocks as f64; blocks]).unwrap();
    present.iter().for_each(|&(r, b)| cells.insert(r, b, vec![1.0]).unwrap());
    cells
}

#[test]
fn rounds_are_complete_up_to_the_first_gap() {
    for (present, complete, begun) in [
        (vec![], 0, 0),
        (vec![(0, 0)], 0, 1),
        (vec![(0, 0), (0, 1)], 1, 1),
        (vec![(0, 0), (0, 1), (1, 1), (2, 0), (2, 1)], 1, 3),
        (vec![(0, 1), (1, 0), (1, 1)], 0, 2),
        (vec![(1 << 31, 0)], 0, (1 << 31) + 1),
    ] {
        let cells = cells(2, &present);
        assert_eq!((cells.complete_rounds(), cells.begun_rounds(), cells.len()), (complete, begun, present.len()));
    }
}

#[test]
fn missing_cells_are_counted_and_the_first_of_them_named() {
    let some = cells(2, &[(0, 0), (0, 1), (1, 1), (2, 0), (2, 1)]);
    assert_eq!(some.missing(1).to_string(), "nothing is missing from 1 rounds");
    assert_eq!(some.missing(2), Missing { rounds: 2, count: 1, first: vec![(1, 0)] });
    assert_eq!(some.missing(4).to_string(), "3 draws are missing from 4 rounds: (round, batch) (1, 0), (3, 0), (3, 1)");
    let many = cells(2, &[(1 << 31, 0)]).missing(1 << 32);
    assert_eq!((many.count, many.first.len()), ((1 << 33) - 1, 8));
    assert!(many.to_string().ends_with("(3, 1), …"));
}

#[test]
fn a_diverged_model_is_named_and_a_wrong_draw_is_a_fault_of_the_program() {
    let mut cells = cells(2, &[]);
    let error = cells.insert(0, 0, vec![f64::NAN]).unwrap_err().to_string();
    assert!(error.contains("diverged") && error.contains("`a`"), "{error}");
    assert!(matches!(cells.insert(0, 0, vec![]), Err(Error::Internal(_))));
    assert!(matches!(cells.insert(0, 2, vec![1.0]), Err(Error::Internal(_))));
    assert!(cells.is_empty());
}
