//! Reading and making host tensors without copies.

use std::ops::Deref;

use candle_core::{Device, Shape, Storage, StorageRef, Tensor, WithDType};

use crate::error::{Error, Result};

/// The elements of a contiguous host tensor; holds the tensor's read lock while it lives.
#[derive(Debug)]
pub struct HostSlice<'a, T> {
    storage: StorageRef<'a>,
    start: usize,
    end: usize,
    element: std::marker::PhantomData<T>,
}

/// A view of the tensor's elements in row-major order, without a copy.
///
/// # Errors
/// When the tensor is not contiguous, not on the host, or not of element type `T`.
pub fn read<T: WithDType>(tensor: &Tensor) -> Result<HostSlice<'_, T>> {
    let (storage, layout) = tensor.storage_and_layout();
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or_else(|| Error::Internal(format!("a tensor of shape {:?} is not contiguous", tensor.shape())))?;
    match &*storage {
        Storage::Cpu(host) => T::cpu_storage_as_slice(host)?,
        _ => return Err(Error::Internal("a tensor that the host kernels read is on another device".into())),
    };
    Ok(HostSlice { storage, start, end, element: std::marker::PhantomData })
}

/// A host tensor that takes over the vector.
///
/// # Errors
/// When the length does not match the shape.
pub fn tensor<T: WithDType>(data: Vec<T>, shape: impl Into<Shape>) -> Result<Tensor> {
    Ok(Tensor::from_vec(data, shape.into(), &Device::Cpu)?)
}

impl<T: WithDType> Deref for HostSlice<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &*self.storage {
            Storage::Cpu(host) => match T::cpu_storage_as_slice(host) {
                Ok(all) => &all[self.start..self.end],
                Err(_) => unreachable!("the element type was checked by `read`"),
            },
            _ => unreachable!("the device was checked by `read`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_sees_the_elements_and_refuses_other_types_and_transposed_tensors() {
        let x = tensor(vec![1f32, 2.0, 3.0, 4.0], (2, 2)).unwrap();
        assert_eq!(&*read::<f32>(&x).unwrap(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(&*read::<f32>(&x.narrow(0, 1, 1).unwrap()).unwrap(), [3.0, 4.0]);
        assert!(read::<f64>(&x).is_err());
        assert!(read::<f32>(&x.t().unwrap()).is_err());
    }
}
