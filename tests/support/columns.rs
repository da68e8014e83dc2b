//! Rows as columns and back, so that a test can go over all values of a table by its schema.

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use peerpress::snapshot::{Row, table_bytes};

/// The columns of some rows, by way of the file that they make.
pub(crate) fn columns_of<R: Row>(rows: &[R]) -> RecordBatch {
    if rows.is_empty() {
        return RecordBatch::new_empty(R::schema());
    }
    let file = Bytes::from(table_bytes(rows).unwrap());
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().with_batch_size(rows.len());
    let mut batches = reader.build().unwrap();
    let batch = batches.next().unwrap().unwrap();
    assert_eq!(batch.num_rows(), rows.len(), "one batch has all rows");
    batch
}

/// The rows of some columns.
pub(crate) fn rows_of<R: Row>(columns: &RecordBatch) -> Vec<R> {
    let mut rows = Vec::new();
    R::from_batch(columns, 0..columns.num_rows(), &mut rows).unwrap();
    rows
}
