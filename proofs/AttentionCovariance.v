(* AD-5: the output error of perturbed attention scores is an averaged covariance.                 *)
From Coq Require Import Reals Lra Lia.
From Coquelicot Require Import Coquelicot.
From Routegauge Require Import CosineSums.
Local Open Scope R_scope.

Lemma is_derive_csum (f : nat -> R -> R) (df : nat -> R) (n : nat) (x : R) :
  (forall j, is_derive (f j) x (df j)) ->
  is_derive (fun t => csum (fun j => f j t) n) x (csum df n).
Proof.
intro h; induction n as [|n IH]; simpl; [apply (is_derive_const 0 x)|].
apply (is_derive_plus (fun t => csum (fun j => f j t) n) (f n)); [exact IH|apply h].
Qed.

Section Covariance.
Variables (n : nat) (z dl v : nat -> R).
Hypothesis n0 : (0 < n)%nat.

(* Scores z + t dl, for t from 0 to 1: weights before normalisation, and means under the softmax. *)
Definition weight (t : R) (j : nat) : R := exp (z j + t * dl j).
Definition total (t : R) : R := csum (weight t) n.
Definition mean_at (t : R) (f : nat -> R) : R := csum (fun j => weight t j * f j) n / total t.
(* The covariance of score error and value at t. *)
Definition cov_at (t : R) : R := mean_at t (fun j => dl j * v j) - mean_at t dl * mean_at t v.

Lemma total_gt0 t : 0 < total t.
Proof.
unfold total; destruct n as [|m]; [lia|]; clear n0.
assert (w : forall j, 0 < weight t j) by (intro; apply exp_pos).
induction m as [|m IH]; simpl in *; [generalize (w O); lra|generalize (w (S m)); lra].
Qed.

Lemma is_derive_weight (f : nat -> R) (j : nat) (t : R) :
  is_derive (fun t => weight t j * f j) t (weight t j * (dl j * f j)).
Proof. unfold weight; auto_derive; [easy|ring]. Qed.

Lemma is_derive_total (t : R) : is_derive total t (csum (fun j => weight t j * dl j) n).
Proof.
apply (is_derive_ext (fun t => csum (fun j => weight t j * 1) n)).
  intro u; apply csum_ext; intros; ring.
replace (csum (fun j => weight t j * dl j) n) with (csum (fun j => weight t j * (dl j * 1)) n)
  by (apply csum_ext; intros; ring).
apply (is_derive_csum (fun j t => weight t j * 1)); intro j; apply (is_derive_weight (fun _ => 1)).
Qed.

Lemma is_derive_mean_at (f : nat -> R) (t : R) :
  is_derive (fun t => mean_at t f) t (mean_at t (fun j => dl j * f j) - mean_at t dl * mean_at t f).
Proof.
assert (T := total_gt0 t).
assert (d := is_derive_div (fun t => csum (fun j => weight t j * f j) n) total t _ _
  (is_derive_csum (fun j t => weight t j * f j) _ n t (fun j => is_derive_weight f j t)) (is_derive_total t)
  (Rgt_not_eq _ _ T)).
unfold mean_at; simpl in d.
match type of d with is_derive _ _ ?l => match goal with |- is_derive _ _ ?m =>
  replace m with l by (field; lra) end end.
exact d.
Qed.

(* AD-5. With exact values the change of the output of one channel is the covariance of score error   *)
(* and value, averaged over the scores between: the integral of Cov(dl, v) over t from 0 to 1.         *)
Theorem AD_5_covariance_form : is_RInt cov_at 0 1 (mean_at 1 v - mean_at 0 v).
Proof.
apply (is_RInt_derive (fun t => mean_at t v)).
- intros t _; apply is_derive_mean_at.
- intros t _; apply (ex_derive_continuous cov_at); unfold cov_at; eexists.
  apply (is_derive_minus (fun t => mean_at t (fun j => dl j * v j)) (fun t => mean_at t dl * mean_at t v)).
    apply is_derive_mean_at.
  apply (is_derive_mult (fun t => mean_at t dl) (fun t => mean_at t v));
    [apply is_derive_mean_at|apply is_derive_mean_at|].
  intros; apply Rmult_comm.
Qed.
End Covariance.
